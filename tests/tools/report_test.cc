// SPDX-License-Identifier: Apache-2.0
#include "tools/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "tools/text.h"

namespace vunify {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::size_t at(Verdict verdict) { return static_cast<std::size_t>(verdict); }

Outcome two_guests() {
  Outcome outcome;
  outcome.started = {1709251199, 5};
  outcome.read_files = 20;
  outcome.read_bytes = 4096;
  outcome.shared_bytes = 3 << 20;
  outcome.shared_files = 24;
  outcome.prove_seconds = 1.5;
  outcome.total_seconds = 2;
  outcome.guests = {{"alpha", 40001, "/vs/alpha", "iunlink", 342000, 5000, 0, 0, 2 << 20, 1000, {}},
                    {"beta", {}, "/vs/beta", "reflink", 1000, 7000, 12, 1 << 20, 2 << 20, 2000, {}}};
  outcome.guests[0].skipped[at(Verdict::shared)] = 9;
  outcome.guests[0].skipped[at(Verdict::no_twin)] = 3;
  outcome.guests[1].skipped[at(Verdict::no_twin)] = 4;
  outcome.guests[1].skipped[at(Verdict::locked)] = 1;
  outcome.filesystems = {{"1234-abcd", "/vs", "/dev/sdb1", 10ull << 30, 11ull << 30}};
  return outcome;
}

ordered_json json_of(const Outcome& outcome, Exit exit = Exit::done) {
  return ordered_json::parse(report_json(outcome, exit));
}

std::vector<std::string> keys_of(const ordered_json& object) {
  std::vector<std::string> keys;
  for (const auto& item : object.items()) keys.push_back(item.key());
  return keys;
}

TEST(ReportJson, HasTheKeysThatAreDocumented) {
  EXPECT_THAT(
      keys_of(json_of(two_guests())),
      ElementsAre("schema", "status", "complete", "dry_run", "deleted", "started", "guest_count", "files", "bytes",
                  "read_files", "read_bytes", "linked_files", "freed_bytes", "freed_when_closed", "shared_files",
                  "shared_bytes", "copied_files", "copied_bytes", "stale_files", "unmarked_files", "adopted_files",
                  "recovered_files", "guests", "filesystems", "skipped", "failed", "notes", "seconds"));
  EXPECT_THAT(keys_of(json_of(two_guests())["guests"][0]),
              ElementsAre("name", "xid", "root", "protection", "files", "bytes", "linked_files", "freed_bytes",
                          "shared_bytes", "private_bytes", "skipped"));
  EXPECT_THAT(keys_of(json_of(two_guests())["filesystems"][0]),
              ElementsAre("uuid", "free_before", "free_after", "mount_point", "device"));
}

TEST(ReportJson, IsOneLine) {
  const auto text = report_json(two_guests(), Exit::done);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
}

TEST(ReportJson, SumsGuests) {
  const auto json = json_of(two_guests());
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["started"], "2024-02-29T23:59:59Z");
  EXPECT_EQ(json["guest_count"], 2);
  EXPECT_EQ(json["files"], 343000);
  EXPECT_EQ(json["bytes"], 12000);
  EXPECT_EQ(json["linked_files"], 12);
  EXPECT_EQ(json["freed_bytes"], 1 << 20);
  EXPECT_EQ(json["guests"][0]["xid"], 40001);
  EXPECT_TRUE(json["guests"][1]["xid"].is_null());
  EXPECT_EQ(json["seconds"]["prove"], 1.5);
}

TEST(ReportJson, CountsOnlyReasonsThatHappened) {
  const auto json = json_of(two_guests());
  EXPECT_EQ(json["skipped"], (ordered_json{{"no-twin", 7}, {"locked", 1}}));
  EXPECT_EQ(json["guests"][0]["skipped"], (ordered_json{{"no-twin", 3}}));
}

TEST(ReportJson, NamesTheStatus) {
  const std::vector<std::pair<Exit, std::string>> words = {{Exit::done, "done"},
                                                           {Exit::partial, "partial"},
                                                           {Exit::refused, "refused"},
                                                           {Exit::locked, "locked"},
                                                           {Exit::fatal, "fatal"},
                                                           {Exit::interrupted, "interrupted"},
                                                           {Exit::terminated, "interrupted"}};
  for (const auto& [exit, word] : words) EXPECT_EQ(json_of({}, exit)["status"], word);
}

TEST(ReportJson, OfNothingStillHasItsLists) {
  const auto json = json_of({});
  EXPECT_EQ(json["guests"], ordered_json::array());
  EXPECT_EQ(json["failed"], ordered_json::array());
  EXPECT_EQ(json["skipped"], ordered_json::object());
}

TEST(ReportJson, GivesNamesThatAreNoUtf8InBase64) {
  auto outcome = two_guests();
  outcome.guests[0].root = "/vs/\xff";
  outcome.failed = {{"alpha", "etc/\xe9", "bad \xff"}, {"beta", "etc/Füße", "No such file or directory"}};
  const auto json = json_of(outcome, Exit::partial);
  EXPECT_EQ(json["guests"][0]["root_base64"], base64("/vs/\xff"));
  EXPECT_FALSE(json["guests"][0].contains("root"));
  EXPECT_EQ(json["failed"][0]["path_base64"], base64("etc/\xe9"));
  EXPECT_FALSE(json["failed"][0].contains("path"));
  EXPECT_EQ(json["failed"][1]["path"], "etc/Füße");
}

TEST(GuestRoots, ComeBackFromAReport) {
  auto outcome = two_guests();
  outcome.guests[0].root = "/vs/\xff\n";
  EXPECT_THAT(guest_roots(report_json(outcome, Exit::done)), ElementsAre("/vs/\xff\n", "/vs/beta"));
}

TEST(GuestRoots, OfWhatIsNoReportIsAnError) {
  for (const char* bad : {"", "{}", "[]", "{\"guests\":1}", "{\"guests\":[{}]}", "{\"guests\":[{\"root\":1}]}",
                          "{\"guests\":[{\"root_base64\":\"!\"}]}", "{\"guests\":[\"x\"]}"})
    EXPECT_THROW(guest_roots(bad), std::invalid_argument) << bad;
}

TEST(ExitOf, PrefersTheSignalThenTheDisk) {
  Outcome outcome;
  EXPECT_EQ(exit_of(outcome, 0), Exit::done);
  outcome.complete = false;
  EXPECT_EQ(exit_of(outcome, 0), Exit::done);
  outcome.failed = {{"a", "b", "c"}};
  EXPECT_EQ(exit_of(outcome, 0), Exit::partial);
  outcome.disk_full = true;
  EXPECT_EQ(exit_of(outcome, 0), Exit::fatal);
  EXPECT_EQ(exit_of(outcome, SIGINT), Exit::interrupted);
  EXPECT_EQ(exit_of(outcome, SIGTERM), Exit::terminated);
}

TEST(ReportText, IsATable) {
  const auto text = report_text(two_guests(), Exit::done, Detail::normal);
  EXPECT_EQ(text,
            "guest  protection    files  linked    freed   shared  private\n"
            "alpha  iunlink     342,000       0      0 B  2.0 MiB   1000 B\n"
            "beta   reflink       1,000      12  1.0 MiB  2.0 MiB  2.0 KiB\n"
            "\n"
            "2 guests, 343,000 files, 11.7 KiB; read 20 files, 4.0 KiB; 2.00 s\n"
            "linked 12 files, freed 1.0 MiB; shared files take 3.0 MiB\n"
            "left alone:\n"
            "            7  no-twin\n"
            "            1  locked\n"
            "df: /vs (/dev/sdb1): 10.0 GiB free before, 11.0 GiB after\n");
}

TEST(ReportText, NamesAFilesystemByWhatIsKnownOfIt) {
  auto outcome = two_guests();
  outcome.filesystems = {
      {"1234-abcd", "/vs\n", "", 0, 0}, {"1234-abce", "", "/dev/sdc", 0, 0}, {"1234-abcf", "", "", 0, 0}};
  const auto text = report_text(outcome, Exit::done, Detail::normal);
  for (const auto* name : {"/vs\\n", "/dev/sdc", "1234-abcf"})
    EXPECT_THAT(text, HasSubstr(std::string("df: ") + name + ": 0 B free before"));
}

TEST(ReportText, OfADryRunSaysWould) {
  auto outcome = two_guests();
  outcome.dry_run = true;
  EXPECT_THAT(report_text(outcome, Exit::done, Detail::normal), HasSubstr("would link 12 files, would free 1.0 MiB"));
}

TEST(ReportText, ExplainsWhenAsked) {
  const std::string sentence(explain(Verdict::locked));
  EXPECT_THAT(report_text(two_guests(), Exit::done, Detail::verbose), HasSubstr(sentence));
  EXPECT_THAT(report_text(two_guests(), Exit::done, Detail::normal), Not(HasSubstr(sentence)));
}

TEST(ReportText, IsEmptyWhenQuietAndWell) {
  EXPECT_EQ(report_text(two_guests(), Exit::done, Detail::quiet), "");
  auto outcome = two_guests();
  outcome.failed = {{"beta", "etc/x\ny", "Input/output error"}};
  EXPECT_EQ(report_text(outcome, Exit::partial, Detail::quiet), "failed: beta: etc/x\\ny: Input/output error\n");
}

TEST(ReportText, SaysWhatWaitsForAReaderOnlyWhenSomethingDoes) {
  auto outcome = two_guests();
  EXPECT_THAT(report_text(outcome, Exit::done, Detail::normal), Not(HasSubstr("close")));
  outcome.freed_when_closed = 4096;
  EXPECT_THAT(report_text(outcome, Exit::done, Detail::normal), HasSubstr("4.0 KiB of that"));
}

TEST(ReportText, NamesTheCureForShiftedOwners) {
  auto outcome = two_guests();
  outcome.guests[0].skipped[at(Verdict::shifted_owner)] = 1234;
  const auto text = report_text(outcome, Exit::done, Detail::normal);
  EXPECT_THAT(text, HasSubstr("1,234 files differ only in"));
  EXPECT_THAT(text, HasSubstr("--protect=reflink"));
}

TEST(ReportText, EscapesGuestNames) {
  auto outcome = two_guests();
  outcome.guests[0].name = "a\x1b[31m";
  EXPECT_THAT(report_text(outcome, Exit::done, Detail::verbose), Not(HasSubstr("\x1b")));
}

TEST(Explain, HasASentenceForEveryVerdict) {
  for (std::size_t i = 0; i < verdict_count; ++i)
    EXPECT_TRUE(explain(static_cast<Verdict>(i)).ends_with('.')) << verdicts[i].name;
}

}  // namespace
}  // namespace vunify
