// SPDX-License-Identifier: Apache-2.0
// vunify --status: told from what is there, whatever else goes on, and without leaving a trace.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sys/fd.h"
#include "tests/crash_points.h"
#include "tests/root_test.h"
#include "tests/stopped_run.h"
#include "tests/tools/guests.h"
#include "tools/status.h"
#include "tools/text.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class VunifyStatus : public RootTest {
 protected:
  static Finished status(const Guests& guests, const Words& options = {}) {
    Words words = {"vunify", "--status", "--state", guests / "state"};
    words.insert(words.end(), options.begin(), options.end());
    return run(words);
  }
  static Json told(const Guests& guests) {
    const auto finished = status(guests, {"--json"});
    EXPECT_EQ(finished.status, 0) << finished.err;
    return Json::parse(finished.out, nullptr, false);
  }
  static void age_report(const Guests& guests, std::int64_t seconds) {
    auto report = Json::parse(guests.read("state/report.json"));
    report["started"] = format_time({clock_now().sec - seconds, 0});
    std::ofstream(guests / "state/report.json") << report.dump();
  }

  const Guests::Files same_ = {{"a/f", std::string(5000, 's')}, {"b/f", std::string(5000, 's')}};
};

TEST_F(VunifyStatus, WithoutAnyStateSaysSoAndMakesNone) {
  const Guests guests;
  const auto finished = status(guests);
  EXPECT_EQ(finished.status, 0);
  EXPECT_EQ(finished.out, "no run yet\n");
  EXPECT_FALSE(guests.exists("state"));
  const auto report = told(guests);
  for (const auto* key : {"last_run", "running", "index"}) EXPECT_TRUE(report[key].is_null()) << key;
  EXPECT_EQ(report["guests"], Json::array());
}

TEST_F(VunifyStatus, TellsWhatTheLastRunDid) {
  const Guests guests(same_);
  ASSERT_EQ(guests.vunify().status, 0);
  const auto report = told(guests);
  const auto& last = report["last_run"];
  EXPECT_EQ(last["status"], "done");
  EXPECT_EQ(last["complete"], true);
  EXPECT_EQ(last["dry_run"], false);
  EXPECT_EQ(last["linked_files"], 1);
  EXPECT_EQ(last["freed_bytes"], 8192);
  EXPECT_EQ(last["files"], 2);
  EXPECT_EQ(last["guest_count"], 2);
  EXPECT_EQ(last["failed_count"], 0);
  EXPECT_EQ(report["absent_count"], 0);
  EXPECT_EQ(report["guests"][1]["root"], guests / "b");
  EXPECT_THAT(status(guests).out, HasSubstr("linked 1 file, freed 8.0 KiB\n"));
  EXPECT_THAT(status(guests).out, HasSubstr("2 known, 0 absent"));
}

TEST_F(VunifyStatus, TellsHowOldItIs) {
  const Guests guests(same_);
  ASSERT_EQ(guests.vunify().status, 0);
  EXPECT_LT(told(guests)["last_run"]["age_seconds"], 60);
  age_report(guests, 3 * 86400 + 7300);
  EXPECT_NEAR(told(guests)["last_run"]["age_seconds"].get<double>(), 3 * 86400 + 7300, 60);
  EXPECT_THAT(status(guests).out, HasSubstr("3 d 02 h ago"));
  age_report(guests, -86400);
  EXPECT_LT(told(guests)["last_run"]["age_seconds"], 0);
  EXPECT_THAT(status(guests).out, HasSubstr("was it set back?"));
}

// The check that docs/operations.md gives: it has to alarm for an old run, for none, and for one in the future.
TEST_F(VunifyStatus, IsEnoughForTheCheckOfTheGuide) {
  if (shell("command -v jq").status != 0) GTEST_SKIP() << "needs jq";
  std::ifstream guide(VUNIFY_SOURCE_DIR "/docs/operations.md");
  std::string check;
  while (std::getline(guide, check) && check.find("vunify --status --json |") == check.npos) continue;
  const auto at = check.find("--status");
  ASSERT_NE(at, check.npos);
  const Guests guests(same_);
  check.insert(at, "--state '" + guests / "state" + "' ");
  const auto alarms = [&] { return shell(check).out; };
  EXPECT_THAT(alarms(), HasSubstr("36 hours"));
  ASSERT_EQ(guests.vunify().status, 0);
  EXPECT_EQ(alarms(), "");
  age_report(guests, 35 * 3600);
  EXPECT_EQ(alarms(), "");
  for (const int hours : {37, -2}) {
    age_report(guests, hours * 3600);
    EXPECT_THAT(alarms(), HasSubstr("36 hours")) << hours;
  }
}

TEST_F(VunifyStatus, TellsFailuresAndAnEarlyEnd) {
  const Guests guests(Guests::Files{{"a/f", "same"}, {"b/f", "same"}});
  guests.vunify_under({"-e", "trace=preadv2", "-e", "inject=preadv2:error=EIO"}, {"--jobs=1"});
  EXPECT_EQ(told(guests)["last_run"]["status"], "partial");
  EXPECT_GT(told(guests)["last_run"]["failed_count"], 0);
  EXPECT_THAT(status(guests).out, HasSubstr("partial in"));
  guests.vunify_under({"-e", "trace=preadv2", "-e", "inject=preadv2:signal=TERM:when=1"}, {"--jobs=1"});
  EXPECT_EQ(told(guests)["last_run"]["status"], "interrupted");
  EXPECT_EQ(told(guests)["last_run"]["complete"], false);
  EXPECT_THAT(status(guests).out, HasSubstr("not all was reached"));
}

TEST_F(VunifyStatus, NamesTheProcessThatHoldsTheLockAndNoDeadOne) {
  const Guests guests(same_);
  ASSERT_EQ(guests.vunify().status, 0);
  std::ofstream(guests / "state/lock") << "1\n";  // alive, and not the holder
  EXPECT_TRUE(told(guests)["running"].is_null());
  EXPECT_THAT(status(guests).out, HasSubstr("running     nothing\n"));
  StateDir state(guests / "state");
  ASSERT_TRUE(state.lock());
  EXPECT_EQ(told(guests)["running"]["process"], ::getpid());
  EXPECT_LT(told(guests)["running"]["seconds"], 60);
  EXPECT_THAT(status(guests).out, HasSubstr("process " + std::to_string(::getpid()) + " holds the lock, for "));
}

TEST_F(VunifyStatus, DoesNotTakeTheNumberInTheFileForTheHolder) {
  const Guests guests(same_);
  ASSERT_EQ(guests.vunify().status, 0);
  std::ofstream(guests / "state/lock") << "1\n";
  const auto held = run(
      {"flock", guests / "state/lock", "sh", "-c", "echo $PPID; vunify --status --json --state " + guests / "state"});
  std::istringstream out(held.out);
  int flock = 0;
  Json report;
  out >> flock >> report;
  EXPECT_GT(flock, 1);
  EXPECT_EQ(report["running"]["process"], flock);
  EXPECT_TRUE(report["running"]["seconds"].is_null());
}

// A run that begins while we look must find the lock free.
TEST_F(VunifyStatus, TurnsAwayNoRunThatBeginsAndChangesNothing) {
  const Guests guests(same_);
  ASSERT_EQ(guests.vunify().status, 0);
  const auto state = [&] {
    auto image = image_of(guests / "state");
    image.erase("index-lock");  // where LMDB's readers write who they are
    return image;
  };
  const auto before = state();
  ASSERT_EQ(run({"strace", "-f", "-y", "-o", guests / "strace", VUNIFY_BIN_DIR "/vunify", "--status", "--state",
                 guests / "state"})
                .status,
            0);
  EXPECT_EQ(state(), before);
  const auto calls = shell("grep -v /tmp/tsan " + guests / "strace").out;  // ThreadSanitizer makes a file of its own
  EXPECT_NE(calls.find("report.json"), calls.npos);
  for (const auto* call : {"flock(", "F_SETLEASE", "O_TRUNC", "mkdir", "unlink", "rename", "fchmod"})
    EXPECT_EQ(calls.find(call), calls.npos) << call;
  std::istringstream lines(calls);
  for (std::string line; std::getline(lines, line);)
    EXPECT_FALSE(line.find("/state/lock") != line.npos && line.find("O_RDONLY") == line.npos &&
                 line.find("openat") != line.npos)
        << line;
}

TEST_F(VunifyStatus, WorksWhileARunIsGoing) {
  Guests::Files files;
  for (std::size_t i = 0; i < 150; ++i)
    for (const auto* guest : {"a/", "b/"}) files.push_back({guest + std::to_string(i), std::string(5000 + i, 's')});
  const Guests guests(files);
  StoppedRun night(guests.command({"--jobs=1", "-q"}), "renameat2", 50, guests / "trace");
  const auto report = told(guests);
  EXPECT_EQ(report["unreadable"], Json::array());
  EXPECT_EQ(report["running"]["process"], night.process());
  EXPECT_EQ(report["interrupted_names"], 0) << "a run's own work is no leftover";
  EXPECT_EQ(night.go_on().status, 0);
  EXPECT_TRUE(guests.are_one("149"));
  EXPECT_TRUE(told(guests)["running"].is_null());
}

TEST_F(VunifyStatus, TellsWhatWaitsForRecovery) {
  const Guests guests(same_);
  const auto cut =
      guests.vunify_under({"-e", "trace=renameat2", "-e", "inject=renameat2:signal=KILL:when=1"}, {"--jobs=1"});
  ASSERT_EQ(cut.status, killed);
  EXPECT_EQ(told(guests)["interrupted_names"], 2);
  EXPECT_THAT(status(guests).out, StartsWith("no run yet\n"));
  EXPECT_THAT(status(guests).out, HasSubstr("2 names of an interrupted run"));
  ASSERT_EQ(guests.vunify().status, 0);
  EXPECT_EQ(told(guests)["interrupted_names"], 0);
  EXPECT_THAT(status(guests).out, Not(HasSubstr("interrupted")));
}

TEST_F(VunifyStatus, TellsWhichGuestsAreOff) {
  const Guests guests({{"a/f", "same"}, {"b/f", "same"}, {"c/f", "same"}}, "/var/tmp", {"a", "b", "c"});
  ASSERT_EQ(guests.vunify().status, 0);
  age_report(guests, 2 * 86400 + 3600);
  std::filesystem::remove(guests / "state/index");  // which knows better when it saw them
  std::filesystem::rename(guests / "b", guests / "elsewhere");
  std::filesystem::rename(guests / "c", guests / "d");
  std::filesystem::create_directory_symlink(guests / "d", guests / "c");
  const auto report = told(guests);
  EXPECT_EQ(report["absent_count"], 2);
  EXPECT_TRUE(report["guests"][0]["absent"].is_null());
  EXPECT_EQ(report["guests"][1]["absent"], "missing");
  EXPECT_EQ(report["guests"][2]["absent"], "not a directory");
  EXPECT_NEAR(report["guests"][1]["age_seconds"].get<double>(), 2 * 86400 + 3600, 60);
  EXPECT_THAT(status(guests).out, HasSubstr("3 known, 2 absent\n"));
  EXPECT_THAT(status(guests).out, HasSubstr(guests / "b" + ": missing, last seen 2 d 01 h ago\n"));
}

// The report knows the guests of the last run, the index those of all.
TEST_F(VunifyStatus, RemembersGuestsOfEarlierRuns) {
  const Guests guests({{"a/f", "same"}, {"b/f", "same"}, {"c/f", "same"}}, "/var/tmp", {"a", "b", "c"});
  ASSERT_EQ(guests.vunify().status, 0);
  ASSERT_EQ(run({"vunify", "--state", guests / "state", protect_by_flag(), guests / "a", guests / "b"}).status, 0);
  std::filesystem::rename(guests / "c", guests / "elsewhere");
  const auto absent = told(guests);
  EXPECT_EQ(absent["guests"].size(), 3u);
  EXPECT_EQ(absent["guests"][2]["absent"], "missing");
  std::filesystem::create_directory(guests / "c");
  EXPECT_EQ(told(guests)["guests"][2]["absent"], "another directory");
  std::filesystem::remove(guests / "c");
  std::filesystem::rename(guests / "elsewhere", guests / "c");
  EXPECT_EQ(told(guests)["absent_count"], 0);
}

TEST_F(VunifyStatus, TellsWhatTheIndexHoldsOrWhyNot) {
  const Guests guests(same_);
  ASSERT_EQ(guests.vunify().status, 0);
  const auto index = told(guests)["index"];
  EXPECT_EQ(index["bytes"], guests.inode("state/index").stamp.size);
  EXPECT_EQ(index["records"], 1) << "of the one inode that is left";
  EXPECT_EQ(index["note"], "");
  EXPECT_THAT(status(guests).out, HasSubstr(", 1 record, 1 shared file\n"));
  std::filesystem::resize_file(guests / "state/index", 5000);
  EXPECT_TRUE(told(guests)["index"]["records"].is_null());
  EXPECT_THAT(told(guests)["index"]["note"].get<std::string>(), HasSubstr("damaged"));
  EXPECT_EQ(told(guests)["guests"].size(), 2u) << "those of the report";
  ::chmod((guests / "state/index").c_str(), 0666);
  const auto refused = status(guests);
  EXPECT_EQ(refused.status, 5);
  EXPECT_THAT(refused.err, HasSubstr("state/index: not an index of vunify's"));
  EXPECT_THAT(refused.out, HasSubstr("last run"));
}

// The package's prerm asks for it, before nobody is left who could give them back.
TEST_F(VunifyStatus, CountsWhatIsSharedUntilAllOfItIsGivenBack) {
  const Guests guests({{"a/f", "same"}, {"b/f", "same"}, {"c/f", "same"}}, "/var/tmp", {"a", "b", "c"});
  ASSERT_EQ(guests.vunify().status, 0);
  const auto give_back = [&](const Words& names) {
    Words words = {"vunify", "-R", "--state", guests / "state"};
    for (const auto& name : names) words.push_back(guests / name);
    return run(words).status;
  };
  EXPECT_EQ(told(guests)["index"]["shared"], 1);
  EXPECT_EQ(told(guests)["known_count"], 3);
  ASSERT_EQ(give_back({"b"}), 0);
  EXPECT_EQ(told(guests)["index"]["shared"], 1);
  ASSERT_EQ(give_back({"a", "c"}), 0);
  EXPECT_EQ(told(guests)["index"]["shared"], 0);
}

TEST_F(VunifyStatus, TellsAGuestThatIsNotMounted) {
  const LoopFs fs("ext4", 64);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Guests state;
  const Guests guests(same_, fs.root());
  ASSERT_EQ(run({"vunify", "--state", state / "state", protect_by_flag(), guests / "a", guests / "b"}).status, 0);
  ASSERT_EQ(::mount("none", (guests / "b").c_str(), "tmpfs", 0, nullptr), 0);
  const auto report = told(state);
  ::umount((guests / "b").c_str());
  EXPECT_EQ(report["absent_count"], 1);
  EXPECT_EQ(report["guests"][1]["absent"], "not mounted");
  EXPECT_EQ(told(state)["absent_count"], 0);
}

TEST_F(VunifyStatus, ShowsNamesOfAnyBytesWithoutHarm) {
  const Guests guests({}, "/var/tmp", {"a\xff", "b\x1b[2J"});
  ASSERT_EQ(guests.vunify().status, 0);
  std::filesystem::remove(guests / "a\xff");
  std::filesystem::remove(guests / "b\x1b[2J");
  EXPECT_TRUE(told(guests)["guests"][0].contains("root_base64"));
  EXPECT_THAT(status(guests).out, HasSubstr("/b\\x1B[2J: missing"));
}

TEST_F(VunifyStatus, SaysInOneLineWhatCannotBeReadAndTellsTheRest) {
  const Guests guests(same_);
  ASSERT_EQ(guests.vunify().status, 0);
  const auto report = guests.read("state/report.json");
  for (const auto& broken : {std::string(), report.substr(0, report.size() / 2), std::string("[]"), std::string("{}"),
                             std::string("{\"schema\":1,\"started\":7}"), std::string(5000, '[')}) {
    std::ofstream(guests / "state/report.json") << broken;
    StateDir state(guests / "state");
    ASSERT_TRUE(state.lock());
    const auto finished = status(guests);
    EXPECT_EQ(finished.status, 5) << broken;
    EXPECT_THAT(finished.err, HasSubstr("state/report.json: not a report"));
    EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
    EXPECT_THAT(finished.out, HasSubstr("holds the lock"));
    EXPECT_THAT(finished.out, Not(HasSubstr("no run yet")));
  }
}

TEST_F(VunifyStatus, SaysInOneLineThatTheStateIsNotToBeHad) {
  const Guests guests(Guests::Files{{"file", ""}});
  guests.make_directory("theirs");
  ASSERT_EQ(::chown((guests / "theirs").c_str(), 1000, 1000), 0);
  std::filesystem::create_directory_symlink(guests / "a", guests / "link");
  const std::pair<std::string, std::string> cases[] = {
      {"file", "Not a directory"}, {"theirs", "Operation not permitted"}, {"link/", "Not a directory"}};
  for (const auto& [state, reason] : cases) {
    const auto finished = run({"vunify", "--status", "--state", guests / state});
    EXPECT_EQ(finished.status, 5) << state;
    EXPECT_THAT(finished.err, HasSubstr(reason));
    EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
    EXPECT_EQ(finished.out, "");
  }
}

TEST_F(VunifyStatus, IsNoVerbBesideOthersAndTakesNoDirectory) {
  const Guests guests;
  for (const Words& words : {Words{"--recover"}, Words{"-R", "x"}, Words{"x"}}) {
    const auto finished = status(guests, words);
    EXPECT_EQ(finished.status, 2);
    EXPECT_THAT(finished.err, HasSubstr("--status"));
  }
}

TEST(ParseTime, ReadsWhatFormatTimeWrites) {
  for (const std::int64_t seconds : {0LL, 1709251199LL, 4102444800LL})
    EXPECT_EQ(parse_time(format_time({seconds, 0})), (Timestamp{seconds, 0}));
  for (const auto* text : {"", "2024", "2024-02-29T23:59:59", "2024-02-29T23:59:59Zx"}) EXPECT_FALSE(parse_time(text));
}

}  // namespace
}  // namespace vunify::test
