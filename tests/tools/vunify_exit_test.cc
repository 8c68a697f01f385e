// SPDX-License-Identifier: Apache-2.0
// Exit codes: one for each way to end, and what is left behind by those that end early.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/root_test.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;

class VunifyExit : public RootTest {
 protected:
  const std::string same_ = std::string(5000, 's');
};

std::string joined(const Words& words) {
  std::string line;
  for (const auto& word : words) line += "'" + word + "' ";
  return line;
}

TEST_F(VunifyExit, Is0WhenAllIsDoneAnd1WhenSomeFileFailed) {
  Guests guests({{"a/f", same_}, {"b/f", same_}, {"a/g", same_ + "g"}, {"b/g", same_ + "g"}});
  const auto one_fails =
      guests.vunify_under({"-e", "trace=preadv2", "-e", "inject=preadv2:error=EIO:when=1"}, {"--jobs=1", "--json"});
  EXPECT_EQ(one_fails.status, 1) << one_fails.err;
  const auto report = Json::parse(one_fails.out);
  EXPECT_EQ(report["status"], "partial");
  EXPECT_EQ(report["failed"][0]["reason"], "Input/output error");
  EXPECT_EQ(report["skipped"]["unreadable"], 1);
  EXPECT_NE(guests.are_one("f"), guests.are_one("g"));
  expect_every_file_is_told(report);
  EXPECT_EQ(guests.vunify().status, 0);
  EXPECT_TRUE(guests.are_one("f") && guests.are_one("g"));
}

TEST_F(VunifyExit, Is1WhenEveryReadFailsAndNothingIsTakenForEqual) {
  Guests guests({{"a/f", same_}, {"b/f", same_}});
  const auto failed = guests.vunify_under({"-e", "trace=preadv2,preadv", "-e", "inject=preadv2,preadv:error=EIO"});
  EXPECT_EQ(failed.status, 1) << failed.err;
  EXPECT_THAT(failed.out, HasSubstr("failed: a: f: Input/output error"));
  EXPECT_FALSE(guests.are_one("f"));
}

TEST_F(VunifyExit, Is3ForAnyoneButRoot) {
  Guests guests({{"a/f", same_}, {"b/f", same_}});
  const auto refused = shell("cp " VUNIFY_BIN_DIR "/vunify " + guests / "vunify" + " && chmod 755 " + guests.root() +
                             " && setpriv --reuid 65534 --regid 65534 --clear-groups " + guests / "vunify" + " " +
                             guests / "a" + " " + guests / "b");
  EXPECT_EQ(refused.status, 3) << refused.out << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("only root"));
}

TEST_F(VunifyExit, Is3WithoutProtectionOnExt4) {
  Guests guests({{"a/f", same_}, {"b/f", same_}});
  const LoopFs fs("ext4", 64);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests on_ext4({{"a/f", same_}, {"b/f", same_}}, fs.root());
  on_ext4.protect_by("auto");
  const auto refused = on_ext4.vunify();
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.err, HasSubstr("--protect=immutable"));
  EXPECT_FALSE(on_ext4.are_one("f"));
  EXPECT_FALSE(on_ext4.exists(".vunify"));
}

TEST_F(VunifyExit, Is4WhileAnotherRunHoldsTheStateOrTheStaging) {
  Guests guests({{"a/f", same_}, {"b/f", same_}});
  guests.vunify();
  std::ofstream(guests / "state/lock") << "4242\n";
  const auto held = shell("flock " + guests / "state/lock" + " " + joined(guests.command({})));
  EXPECT_EQ(held.status, 4) << held.out << held.err;
  EXPECT_THAT(held.err, HasSubstr("process 4242 holds the lock"));
  guests.make_directory(".vunify");
  const auto staging = shell("flock " + guests / ".vunify" + " " + joined(guests.command({})));
  EXPECT_EQ(staging.status, 4) << staging.out << staging.err;
  EXPECT_THAT(staging.err, HasSubstr("in use by another run"));
  EXPECT_EQ(guests.vunify().status, 0);
}

// A job of cron and a timer may both be there: who comes second has nothing to report.
TEST_F(VunifyExit, Is4WithoutAWordUnderQ) {
  Guests guests({{"a/f", same_}, {"b/f", same_}});
  guests.make_directory("state");
  guests.make_directory(".vunify");
  for (const std::string held : {"state/lock", ".vunify"}) {
    const auto second = shell("flock " + guests / held + " " + joined(guests.command({"-q"})));
    EXPECT_EQ(second.status, 4);
    EXPECT_EQ(second.out + second.err, "");
  }
}

TEST_F(VunifyExit, Is5WhenStandardOutputIsFull) {
  Guests guests({{"a/f", same_}, {"b/f", same_}});
  for (const auto* form : {"-v", "--json"}) {
    const auto full = shell(joined(guests.command({form})) + ">/dev/full");
    EXPECT_EQ(full.status, 5);
    EXPECT_THAT(full.err, HasSubstr("standard output: No space left on device"));
  }
  EXPECT_TRUE(guests.are_one("f"));
}

TEST_F(VunifyExit, Is5WhenTheStateIsNotToBeHad) {
  Guests guests({{"a/f", same_}, {"b/f", same_}, {"state", "a file"}});
  const auto no_directory = guests.vunify();
  EXPECT_EQ(no_directory.status, 5) << no_directory.err;
  EXPECT_THAT(no_directory.err, HasSubstr(guests / "state"));
  EXPECT_FALSE(guests.are_one("f"));
}

// Nobody else can tell what it says: it stays as it is, and so do the guests.
TEST_F(VunifyExit, Is5WhenAJournalIsOfAnotherVersion) {
  Guests guests({{"a/f", same_}, {"b/f", same_}});
  guests.vunify_under({"-e", "trace=renameat2", "-e", "inject=renameat2:signal=KILL:when=1"}, {"--jobs=1"});
  auto journal = guests.read("state/journal.0");
  ASSERT_EQ(journal.rfind("vunify-journal ", 0), 0u) << "the run that was killed has left none";
  const auto ours = journal;
  journal[std::string("vunify-journal ").size()] = '0';
  guests.write("state/journal.0", journal);
  const auto refused = guests.vunify();
  EXPECT_EQ(refused.status, 5) << refused.out << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("written by another version"));
  EXPECT_EQ(guests.read("state/journal.0"), journal);
  EXPECT_FALSE(guests.are_one("f"));
  guests.write("state/journal.0", ours);
  EXPECT_EQ(guests.vunify().status, 0);
  EXPECT_TRUE(guests.are_one("f"));
}

TEST_F(VunifyExit, Is5WhenTheStateHasNoSpace) {
  const LoopFs fs("ext4", 16);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  shell("cat /dev/zero >" + fs / "fill 2>/dev/null; i=0; while mkdir " + fs / "d$i 2>/dev/null; do i=$((i+1)); done");
  Guests others({{"a/f", same_}, {"b/f", same_}});
  const auto full = run({"vunify", "--state", fs / "state", protect_by_flag(), others / "a", others / "b"});
  EXPECT_EQ(full.status, 5) << full.out << full.err;
  EXPECT_THAT(full.err, HasSubstr("No space left on device"));
  EXPECT_FALSE(others.are_one("f"));
}

// Stopped by a signal at the first call of each of these; what is left can be finished by the next run.
class VunifyStopped : public VunifyExit, public testing::WithParamInterface<const char*> {};

TEST_P(VunifyStopped, IsSoonCleanAndResumable) {
  Guests::Files files;
  for (std::size_t i = 0; i < 40; ++i)
    for (const auto* guest : {"a/", "b/"}) files.push_back({guest + std::to_string(i), std::string(5000 + i, 's')});
  const std::string call = GetParam();
  const std::pair<std::string, int> signals[] = {{"INT", 130}, {"TERM", 143}, {"HUP", 143}};
  for (const auto& [name, status] : signals) {
    Guests guests(files);
    const auto before = image_of(guests / "a");
    const auto stopped = guests.vunify_under(
        {"-e", "trace=" + call, "-e", "inject=" + call + ":signal=" + name + ":when=1"}, {"--jobs=1", "--json"});
    EXPECT_EQ(stopped.status, status) << call << stopped.err;
    const auto report = Json::parse(stopped.out, nullptr, false);
    EXPECT_EQ(report["status"], "interrupted") << stopped.out;
    EXPECT_EQ(report["complete"], false);
    EXPECT_EQ(report["failed"], Json::array()) << report["failed"].dump();
    EXPECT_FALSE(guests.exists(".vunify")) << call;
    EXPECT_EQ(image_of(guests / "a"), before);
    EXPECT_EQ(guests.vunify().status, 0);
    EXPECT_TRUE(guests.are_one("0") && guests.are_one("39"));
    expect_second_run_rests(guests);
  }
}

INSTANTIATE_TEST_SUITE_P(Phases, VunifyStopped,
                         testing::Values("getdents64", "preadv2", "renameat2", "linkat", "syncfs", "unlinkat"));

// Two inodes of one content want two copies: the second is given up.
TEST_F(VunifyExit, Is143WhenACopyIsGivenUpAndNoFileHasFailed) {
  for (const auto* when : {"2", "3", "4"}) {
    const Guests guests({{"a/f", same_}, {"a/g", same_}, {"b/f", same_}, {"b/g", same_}});
    const auto stopped =
        guests.vunify_under({"-e", "trace=flistxattr", "-e", "inject=flistxattr:signal=TERM:when=" + std::string(when)},
                            {"--jobs=1", "--json"});
    EXPECT_EQ(stopped.status, 143) << when;
    EXPECT_EQ(Json::parse(stopped.out, nullptr, false)["failed"], Json::array()) << when << stopped.out;
  }
}

TEST_F(VunifyExit, Is130WhenDeunifyIsStopped) {
  Guests guests({{"a/f", same_}, {"b/f", same_}});
  ASSERT_EQ(guests.vunify().status, 0);
  const auto stopped =
      guests.vunify_under({"-e", "trace=renameat2", "-e", "inject=renameat2:signal=INT:when=1"}, {"-R"});
  EXPECT_EQ(stopped.status, 130) << stopped.out << stopped.err;
  EXPECT_FALSE(guests.exists(".vunify"));
  EXPECT_EQ(guests.vunify({"-R"}).status, 0);
  EXPECT_FALSE(guests.are_one("f"));
}

TEST_F(VunifyExit, Is0WhenMaxTimeComesFirst) {
  Guests::Files files;
  for (std::size_t i = 0; i < 300; ++i)
    for (const auto* guest : {"a/", "b/"}) files.push_back({guest + std::to_string(i), std::string(5000 + i, 's')});
  Guests guests(files);
  // 600 reads of 20 ms, or more: all cannot be reached, and on a loaded machine something still is.
  const auto stopped = guests.vunify_under({"-e", "trace=preadv2", "-e", "inject=preadv2:delay_enter=20000"},
                                           {"--jobs=1", "--json", "--max-time=5s"});
  EXPECT_EQ(stopped.status, 0) << stopped.err;
  const auto report = Json::parse(stopped.out, nullptr, false);
  EXPECT_EQ(report["complete"], false);
  EXPECT_GT(report["linked_files"], 0);
  EXPECT_GT(report["skipped"]["not-reached"], 0) << report.dump(1);
  expect_every_file_is_told(report);
  EXPECT_FALSE(guests.exists(".vunify"));
  EXPECT_EQ(guests.report()["linked_files"].get<int>() + report["linked_files"].get<int>(), 300);
  expect_second_run_rests(guests);
}

}  // namespace
}  // namespace vunify::test
