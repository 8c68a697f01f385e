// SPDX-License-Identifier: Apache-2.0
// The report against the filesystem: what it says was freed, df shows; what a dry run says, the run does.
#include <fcntl.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>

#include "sys/fd.h"
#include "tests/root_test.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class VunifyReport : public RootTest {
 protected:
  static void fill(const Guests& guests, int files = 60) {
    for (int i = 0; i < files; ++i)
      for (const std::string guest : {"a/", "b/"})
        guests.write(guest + "usr/" + std::to_string(i), std::string(static_cast<std::size_t>(3000 * i + 1), 'x'));
    guests.write("a/etc/own", "mine");
    guests.write("b/etc/own", "your");
    guests.write("a/empty", "");
    guests.write("a/home/me/x", "excluded");
  }
};

class VunifyReportOn : public VunifyReport, public testing::WithParamInterface<const char*> {};
class VunifyReportWithReflinkOn : public VunifyReportOn {};
INSTANTIATE_TEST_SUITE_P(Each, VunifyReportOn, testing::Values("ext4", "xfs", "btrfs"), name_of_each);
INSTANTIATE_TEST_SUITE_P(Each, VunifyReportWithReflinkOn, testing::Values("xfs", "btrfs"), name_of_each);

TEST_F(VunifyReport, FreesOnExt4ToTheByteWhatItSays) {
  const LoopFs fs("ext4", 128);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests guests({}, fs.root());
  Guests state;  // elsewhere: reports take space, too
  fill(guests);
  const Words command = {"vunify", "--state", state / "state", protect_by_flag(), "--json", guests / "a", guests / "b"};
  const auto report = Json::parse(run(command).out);
  EXPECT_GT(report["freed_bytes"], 5 << 20);
  EXPECT_EQ(-free_drop(report), report["freed_bytes"]) << report.dump(1);
  expect_every_file_is_told(report);
}

TEST_P(VunifyReportWithReflinkOn, FreesAboutWhatItSays) {
  const LoopFs fs(GetParam(), 512);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests guests({}, fs.root());
  guests.protect_by("auto");
  fill(guests);
  run({"sync", "-f", fs.root()});
  const auto report = guests.report();
  EXPECT_GT(report["freed_bytes"], 5 << 20);
  const auto dropped = -free_drop(report);
  const auto told = report["freed_bytes"].get<std::int64_t>();
  EXPECT_NEAR(static_cast<double>(dropped), static_cast<double>(told), 1 << 20) << report.dump(1);
  expect_every_file_is_told(report);
  const auto second = guests.report();
  EXPECT_EQ(second["linked_files"], 0);
  EXPECT_EQ(second["freed_bytes"], 0);
  EXPECT_EQ(second["shared_files"], report["shared_files"]);
  EXPECT_LE(second["read_files"], 2);  // those that differ
}

TEST_F(VunifyReport, OfASecondRunIsZeroAndItOpensNoFile) {
  Guests guests;
  fill(guests);
  ASSERT_EQ(guests.vunify().status, 0);
  guests.write("b/etc/own", "another size");
  const auto second =
      guests.vunify_under({"-y", "-e", "trace=open,openat,openat2,open_by_handle_at"}, {"--json", "--jobs=1"});
  const auto report = Json::parse(second.out);
  EXPECT_EQ(report["linked_files"], 0);
  EXPECT_EQ(report["freed_bytes"], 0);
  EXPECT_EQ(report["read_files"], 0);
  // Whatever is of a guest is opened by openat2(2), and nothing else is.
  std::istringstream calls(guests.read("strace"));
  int directories = 0;
  for (std::string call; std::getline(calls, call);) {
    if (call.find("openat2(") == call.npos) continue;
    EXPECT_THAT(call, AnyOf(HasSubstr("O_DIRECTORY"), HasSubstr("O_PATH")));  // with the latter nothing is opened
    ++directories;
  }
  EXPECT_GT(directories, 2);
}

Json without_time(Json report) {
  for (const auto* key : {"dry_run", "seconds", "started"}) report.erase(key);
  for (auto& fs : report["filesystems"]) fs.erase("free_before"), fs.erase("free_after");
  return report;
}

TEST_P(VunifyReportOn, OfADryRunIsThatOfTheRun) {
  const LoopFs fs(GetParam(), 512);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests guests({}, fs.root(), {"a", "b", "c"});
  guests.protect_by(GetParam() == std::string("ext4") ? flag_name() : "auto");
  fill(guests);
  guests.write("a/second", "aaaa");
  guests.write("a/copy", "aaaa");
  guests.write("b/copy", "aaaa");
  run({"sync", "-f", fs.root()});
  for (const auto* round : {"first", "with links", "quiet"}) {
    const auto dry = guests.report({"-n"});
    const auto wet = guests.report();
    EXPECT_EQ(without_time(dry), without_time(wet))
        << round << Json::diff(without_time(dry), without_time(wet)).dump(1);
    EXPECT_EQ(dry["dry_run"], true);
    EXPECT_EQ(wet["dry_run"], false);
    if (round == std::string("first"))
      for (int i = 30; i < 70; ++i)
        guests.write("c/usr/" + std::to_string(i), std::string(static_cast<std::size_t>(3000 * i + 1), 'x'));
    run({"sync", "-f", fs.root()});
  }
}

TEST_F(VunifyReport, OfADryRunLeavesNothingBehind) {
  Guests guests;
  fill(guests, 3);
  const auto names = guests.names();
  EXPECT_EQ(guests.vunify({"-n"}).status, 0);
  EXPECT_EQ(guests.names(), names);
  EXPECT_FALSE(guests.are_one("usr/1"));
}

TEST_F(VunifyReport, HasTheKeysOfSchema1) {
  Guests guests;
  fill(guests, 3);
  const auto report = guests.report();
  for (const auto* key : {"schema",
                          "status",
                          "complete",
                          "dry_run",
                          "started",
                          "guest_count",
                          "files",
                          "bytes",
                          "read_files",
                          "read_bytes",
                          "linked_files",
                          "freed_bytes",
                          "freed_when_closed",
                          "shared_files",
                          "shared_bytes",
                          "copied_files",
                          "copied_bytes",
                          "stale_files",
                          "unmarked_files",
                          "adopted_files",
                          "recovered_files",
                          "guests",
                          "filesystems",
                          "skipped",
                          "failed",
                          "seconds"})
    EXPECT_TRUE(report.contains(key)) << key;
  EXPECT_EQ(report["schema"], 1);
  EXPECT_EQ(report["guests"][1]["name"], "b");
  EXPECT_EQ(Json::parse(guests.read("state/report.json")), report);
}

TEST_F(VunifyReport, IsSilentWhenQuiet) {
  Guests guests;
  fill(guests, 3);
  const auto quiet = guests.vunify({"-q"});
  EXPECT_EQ(quiet.status, 0);
  EXPECT_EQ(quiet.out + quiet.err, "");
  EXPECT_TRUE(guests.are_one("usr/2"));
}

TEST_F(VunifyReport, ExplainsWhenVerbose) {
  Guests guests;
  fill(guests, 3);
  EXPECT_THAT(guests.vunify({"-v"}).out, HasSubstr("it holds no bytes"));
  EXPECT_THAT(guests.vunify().out, Not(HasSubstr("it holds no bytes")));
}

TEST_F(VunifyReport, GoesWithProgressThatPrograms) {
  Guests guests;
  fill(guests);
  const auto finished = guests.vunify_under({"-e", "trace=preadv2", "-e", "inject=preadv2:delay_enter=20000"},
                                            {"--jobs=1", "--progress=json", "-q"});
  EXPECT_EQ(finished.status, 0);
  std::istringstream lines(finished.err);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    for (const auto* key : {"phase", "files", "files_total", "bytes", "bytes_total", "seconds"})
      EXPECT_TRUE(Json::parse(line, nullptr, false).contains(key)) << line;
  EXPECT_GT(count, 1);
  EXPECT_EQ(guests.vunify({"--progress=none"}).err, "");
}

TEST_F(VunifyReport, LeavesAloneWhatIsBelowMinSize) {
  Guests guests({{"a/f", std::string(4095, 'x')},
                 {"b/f", std::string(4095, 'x')},
                 {"a/g", std::string(4096, 'x')},
                 {"b/g", std::string(4096, 'x')}});
  const auto report = guests.report({"--min-size=4K"});
  EXPECT_EQ(report["skipped"]["too-small"], 2);
  EXPECT_EQ(report["linked_files"], 1);
}

TEST_F(VunifyReport, OfFilesThatSomebodyReadsSaysWhatWaits) {
  Guests guests({{"a/f", std::string(9000, 'x')}, {"b/f", std::string(9000, 'x')}});
  const Fd reader = open_host(guests / "b/f", O_RDONLY);
  const auto report = guests.report();
  EXPECT_EQ(report["linked_files"], 1);
  EXPECT_EQ(report["freed_when_closed"], 12288);
}

}  // namespace
}  // namespace vunify::test
