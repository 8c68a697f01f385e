// SPDX-License-Identifier: Apache-2.0
// Limits of the filesystem: no space, no further link, and very many names of one content.
#include <fcntl.h>
#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>
#include <optional>

#include "tests/root_test.h"
#include "tests/shared.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;

class VunifySpace : public RootTest {
 protected:
  static Guests::Files pairs(std::size_t count) {
    Guests::Files files;
    for (std::size_t i = 0; i < count; ++i)
      for (const std::string guest : {"a/", "b/"})
        files.push_back({guest + std::to_string(i), std::string(5000 + i, 's')});
    return files;
  }

  // Every block and every inode is taken.
  static void fill(const LoopFs& fs) {
    shell("cd " + fs.root() + " && cat /dev/zero >full 2>/dev/null; cat /dev/zero >fuller 2>/dev/null;" +
          "i=0; while : >\"inode$i\"; do i=$((i+1)); done 2>/dev/null; sync -f .");
  }

  static void expect_whole(const Guests& guests, const std::map<std::string, std::string>& before) {
    EXPECT_EQ(image_of(guests / "a"), before);
    EXPECT_EQ(image_of(guests / "b"), before);
    EXPECT_FALSE(guests.exists(".vunify"));
  }
};

// A filesystem with neither a block nor an inode left, and guests on it.
class VunifyOnFull : public VunifySpace {
 protected:
  void SetUp() override {
    VunifySpace::SetUp();
    if (IsSkipped()) return;
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
    guests_.emplace(pairs(20), fs_.root());
    before_ = image_of(*guests_ / "a");
  }
  Finished unify_full(const std::string& state, const Words& strace = {}) {
    fill(fs_);
    return unify(state, strace);
  }
  // There is no room for a copy of anything: its guests are stopped.
  Finished unify(const std::string& state, const Words& strace = {}) const {
    Words words = strace;
    const Words vunify = {VUNIFY_BIN_DIR "/vunify", "--state",  state,          protect_by_flag(),
                          "--sledgehammer",         "--jobs=1", *guests_ / "a", *guests_ / "b"};
    words.insert(words.end(), vunify.begin(), vunify.end());
    return run(words);
  }
  void expect_unified() const {
    expect_whole(*guests_, before_);
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(guests_->are_one(std::to_string(i))) << i;
    EXPECT_TRUE(stat_name(AT_FDCWD, (fs_ / "lost+found").c_str()));
  }

  LoopFs fs_{"ext4", 24, "", "-N 400 -m 0"};
  Scratch elsewhere_;
  std::optional<Guests> guests_;
  std::map<std::string, std::string> before_;
};

TEST_F(VunifyOnFull, FreesWhatItCan) {
  const auto full = unify_full(elsewhere_ / "state");
  EXPECT_EQ(full.status, 0) << full.out << full.err;
  expect_unified();
}

TEST_F(VunifyOnFull, SaysWhatNeedsNoRoomWhereTheGuestsMayRun) {
  fill(fs_);
  const auto refused =
      run({"vunify", "--state", elsewhere_ / "state", protect_by_flag(), *guests_ / "a", *guests_ / "b"});
  EXPECT_EQ(refused.status, 5) << refused.out;
  EXPECT_THAT(refused.out + refused.err, HasSubstr("--sledgehammer needs none"));
  expect_whole(*guests_, before_);
}

TEST_F(VunifyOnFull, AdoptsClonesInPlaceWhereTheyAreStopped) {
  const Guests clones({{"c/f", std::string(9000, 'c')}}, fs_.root(), {"c", "d"});
  shell_or_fail("ln " + clones / "c/f " + clones / "d/f");
  fill(fs_);
  const auto command = [&](const Words& options) {
    Words words{"vunify", "--state", elsewhere_ / "state", protect_by_flag(), clones / "c", clones / "d"};
    words.insert(words.end(), options.begin(), options.end());
    return words;
  };
  const auto refused = run(command({}));
  EXPECT_EQ(refused.status, 5) << refused.out;
  EXPECT_THAT(refused.out + refused.err, HasSubstr("--sledgehammer needs none"));
  EXPECT_FALSE(is_shared(clones / "c/f"));
  EXPECT_EQ(run(command({"--sledgehammer"})).status, 0);
  EXPECT_TRUE(is_shared(clones / "c/f"));
}

TEST_F(VunifyOnFull, KilledIsMadeWholeByTheNextRun) {
  const auto killed = unify_full(elsewhere_ / "state", {"strace", "-f", "-qq", "-o", elsewhere_ / "strace", "-e",
                                                        "trace=linkat", "-e", "inject=linkat:signal=KILL:when=5"});
  ASSERT_EQ(killed.status, 128 + SIGKILL) << killed.err;
  EXPECT_TRUE(guests_->exists(".vunify"));
  EXPECT_FALSE(stat_name(AT_FDCWD, (fs_ / "lost+found").c_str()));
  const auto next = unify_full(elsewhere_ / "state");
  EXPECT_EQ(next.status, 0) << next.out << next.err;
  expect_unified();
}

// The place of lost+found in the root directory has other names meanwhile, and that cannot grow.
TEST_F(VunifyOnFull, GivesBackWhatItBorrowedOnceThereIsRoom) {
  const auto state = elsewhere_ / "state";
  unify_full(state, {"strace", "-f", "-qq", "-o", elsewhere_ / "strace", "-e", "trace=linkat", "-e",
                     "inject=linkat:signal=KILL:when=1"});
  std::error_code full;  // as long as its own name, and enough of them to fill each block of the directory
  for (int i = 100'000; i < 120'000; ++i)
    std::filesystem::create_hard_link(fs_ / "full", fs_ / "link" + std::to_string(i), full);
  const auto next = unify(state);
  EXPECT_EQ(next.status, 0) << next.out << next.err;
  expect_unified();
}

// The index goes without, and says so.
TEST_F(VunifyOnFull, DoesSoWithTheStateOnItThatAnEarlierRunMade) {
  const auto state = fs_ / "state";
  guests_->make_directory("c");
  guests_->make_directory("d");
  ASSERT_EQ(run({"vunify", "--state", state, protect_by_flag(), *guests_ / "c", *guests_ / "d"}).status, 0);
  const auto full = unify_full(state);
  EXPECT_EQ(full.status, 1) << full.out << full.err;
  expect_unified();
}

TEST_F(VunifyOnFull, IsRefusedInOneLineWhereNoDirectoryCanBeHad) {
  shell_or_fail("rmdir " + fs_ / "lost+found");
  const auto full = unify_full(elsewhere_ / "state");
  EXPECT_EQ(full.status, 3);
  EXPECT_THAT(full.err, HasSubstr("remove one file"));
  expect_whole(*guests_, before_);
  shell_or_fail("rm " + fs_ / "full");
  EXPECT_EQ(unify(elsewhere_ / "state").status, 0);
  expect_whole(*guests_, before_);
}

class VunifyFull : public VunifySpace, public testing::WithParamInterface<std::pair<std::string, std::string>> {};

TEST_P(VunifyFull, EndsFatalAndWhole) {
  const auto [call, when] = GetParam();
  for (const std::string error : {"ENOSPC", "EDQUOT"}) {
    Guests guests(pairs(6));
    const auto before = image_of(guests / "a");
    const auto full = guests.vunify_under(
        {"-e", std::string("trace=") + call, "-e", std::string("inject=") + call + ":error=" + error + ":when=" + when},
        {"--jobs=1"});
    EXPECT_EQ(full.status, 5) << call << full.out << full.err;
    EXPECT_EQ(full.out.find("--max-time"), full.out.npos) << "nobody gave a time: " << full.out;
    expect_whole(guests, before);
    EXPECT_EQ(guests.vunify().status, 0);
    expect_whole(guests, before);
    EXPECT_TRUE(guests.are_one("0") && guests.are_one("5"));
    expect_second_run_rests(guests);
  }
}

INSTANTIATE_TEST_SUITE_P(Calls, VunifyFull,
                         testing::Values(std::pair("linkat", "1"), std::pair("linkat", "3+"),
                                         std::pair("renameat2", "1"), std::pair("renameat2", "3+"),
                                         std::pair("fdatasync", "1+")));

// ext4 says ENOSPC where an inode's attributes leave no room for one more, and EDQUOT where its owner's quota has run
// out.
TEST_F(VunifySpace, AMarkThatDoesNotFitLeavesItsFileAloneAndTheOthersAreNot) {
  for (const std::string error : {"ENOSPC", "EDQUOT"}) {
    Guests guests(pairs(6));
    const auto before = image_of(guests / "a");
    const auto unmarked = guests.vunify_under(
        {"-e", "trace=fsetxattr", "-e", "inject=fsetxattr:error=" + error + ":when=1"}, {"--jobs=1", "--json"});
    EXPECT_EQ(unmarked.status, 0) << unmarked.err;
    EXPECT_EQ(Json::parse(unmarked.out)["linked_files"], 5) << unmarked.out;
    EXPECT_EQ(Json::parse(unmarked.out)["skipped"]["not-shareable"], 2) << unmarked.out;
    expect_whole(guests, before);
  }
}

// The third look at the locks, after the run's and the proof's, is the batch's: its journal has begun.
TEST_F(VunifySpace, ABatchThatBreaksOffLeavesNoFileWithoutAReason) {
  Guests guests(pairs(1));
  const auto before = image_of(guests / "a");
  const auto broken = guests.vunify_under(
      {"-P", "/proc/locks", "-e", "trace=openat", "-e", "inject=openat:error=EIO:when=3"}, {"--jobs=1", "--json"});
  EXPECT_EQ(broken.status, 5) << broken.out << broken.err;
  const auto report = Json::parse(broken.out);
  std::uint64_t told = report["shared_files"];
  for (const auto& [reason, count] : report["skipped"].items()) told += count.get<std::uint64_t>();
  EXPECT_EQ(told, report["files"]) << report["skipped"];
  expect_whole(guests, before);
  EXPECT_EQ(guests.vunify().status, 0);
  EXPECT_TRUE(guests.are_one("0"));
}

TEST_F(VunifySpace, AKeeperThatCannotBeWrittenOutIsLeftAloneAndTheOthersAreNot) {
  const LoopFs fs("ext4", 64);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests guests(pairs(6), fs.root());
  const auto before = image_of(guests / "a");
  const auto failed = guests.vunify_under(
      {"-e", "trace=sync_file_range", "-e", "inject=sync_file_range:error=EIO:when=2"}, {"--jobs=1", "--json"});
  EXPECT_EQ(failed.status, 1) << failed.err;
  EXPECT_EQ(Json::parse(failed.out)["linked_files"], 5) << failed.out;
  expect_whole(guests, before);
  EXPECT_EQ(guests.vunify().status, 0);
  expect_second_run_rests(guests);
}

TEST_F(VunifySpace, OfLinksEndsWithASecondKeeper) {
  Guests guests({}, "/var/tmp", {"a", "b", "c"});
  for (const auto* path : {"a/f", "b/f", "c/f"}) guests.write(path, std::string(5000, 's'));
  const auto refused =
      guests.vunify_under({"-e", "trace=linkat", "-e", "inject=linkat:error=EMLINK:when=1"}, {"--jobs=1", "--json"});
  EXPECT_EQ(refused.status, 0) << refused.err;
  const auto report = Json::parse(refused.out);
  EXPECT_EQ(report["skipped"].value("link-limit", 0) + report["linked_files"].get<int>(), 2) << report.dump(1);
  expect_every_file_is_told(report);
  EXPECT_EQ(guests.vunify().status, 0);
  EXPECT_EQ(guests.inode("a/f").nlink, 3);
}

// ext4 gives an inode 65,000 names: the keeper has them already, by other guests that are not named now.
TEST_F(VunifySpace, OfLinksIsReallyUsedUpOnExt4) {
  const LoopFs fs("ext4", 64);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests guests({{"a/f", std::string(5000, 's')}, {"b/f", std::string(5000, 's')}}, fs.root());
  ASSERT_EQ(guests.vunify().status, 0);
  guests.make_directory("others");
  shell("cd " + guests.root() +
        " && chattr -i a/f && perl -e 'link \"a/f\", \"others/$_\" for 1..64998'; chattr +i a/f");
  ASSERT_EQ(guests.inode("a/f").nlink, 65000);
  guests.make_directory("c");
  for (const auto* path : {"c/f", "d/f"}) guests.write(path, std::string(5000, 's'));
  const auto all = [&] {
    return Json::parse(run({"vunify", "--state", guests / "state", protect_by_flag(), "--json", guests / "a",
                            guests / "b", guests / "c", guests / "d"})
                           .out);
  };
  const auto first = all();
  EXPECT_EQ(first["linked_files"], 1) << first.dump(1);
  EXPECT_TRUE(guests.are_one("c/f", "d/f"));
  EXPECT_EQ(all()["linked_files"], 0);
}

// Two guests of 35,000 equal files each: 35,000 keepers, for files that are separate in a guest stay separate.
TEST_F(VunifySpace, HoldsSeventyThousandEqualFiles) {
  const LoopFs fs("ext4", 700, "", "-N 80000");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests guests({}, fs.root());
  shell("cd " + guests.root() + R"( && perl -e '
    for my $g ("a", "b") { for my $i (1..35000) {
      open my $f, ">", "$g/$i"; print $f "same" x 500; close $f; utime 1577836800, 1577836800, "$g/$i"; } }'; sync -f .)");
  Json report;
  EXPECT_LT(processor_seconds_of([&] { report = guests.report(); }), 60);
  EXPECT_EQ(report["linked_files"], 35000);
  EXPECT_EQ(report["shared_files"], 70000);
  EXPECT_EQ(report["failed"], Json::array());
  EXPECT_TRUE(link_sets(guests / "a").empty());
  const auto second = guests.report();
  EXPECT_EQ(second["linked_files"], 0);
  EXPECT_EQ(second["read_files"], 0);
}

}  // namespace
}  // namespace vunify::test
