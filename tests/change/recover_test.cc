// SPDX-License-Identifier: Apache-2.0
// What the next start makes of an interrupted batch when the guests, or the admin, went on meanwhile.
#include "change/recover.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "sys/guard.h"
#include "sys/handle.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "tests/scratch.h"
#include "tests/shared.h"

namespace vunify::test {
namespace {

using Names = std::vector<std::string>;

// Interrupted between exchange and protection: "a/x" and "b/x" lead to the keeper, marked and unprotected, and b's own
// file is in staging.
class Interrupted : public testing::Test {
 protected:
  Interrupted() : dir_{{"a/x", "same"}, {"b/x", "same"}, {"a/other", ""}} {
    std::filesystem::create_directory(dir_ / ".vunify");
    std::filesystem::create_directory(dir_ / "state");
    std::filesystem::permissions(dir_ / ".vunify", std::filesystem::perms::owner_all);
    const auto keeper = dir_.inode("a/x");
    const auto victim = dir_.inode("b/x");
    std::filesystem::rename(dir_ / "b/x", dir_ / ".vunify/0-0");
    std::filesystem::create_hard_link(dir_ / "a/x", dir_ / "b/x");
    const Fd fd = open_host(dir_ / "a/x", O_RDONLY);
    set_mark(fd.get(), {fs_id(fd.get()), keeper.ino});
    set_ = {Intent::link,        staging(),         to_string(fs_id(fd.get())), dir_ / "a", "x", keeper.ino,
            handle_of(fd.get()), keeper.stamp.size, keeper.stamp.mtime,         by_flag(),  {}};
    set_.names.push_back({"0-0", dir_ / "b", "x", keeper.ino, victim.ino, {}});
    journal("0", set_);
  }
  ~Interrupted() override { shell("chattr -R -i " + dir_.root()); }

  std::string staging() const { return dir_ / ".vunify"; }
  void journal(const std::string& worker, const JournaledSet& set) const {
    Journal(dir_ / "state", worker).begin({set});
  }
  Recovery recover() const { return vunify::recover(dir_ / "state"); }
  Names kept() const {
    Names paths;
    for (const auto& one : recover().kept) paths.push_back(one.path);
    return paths;
  }
  void move(const std::string& from, const std::string& to) const { std::filesystem::rename(dir_ / from, dir_ / to); }
  // As a guest does who wants it to look untouched.
  void write_keeping_times(const std::string& path, const std::string& bytes) const {
    const auto before = dir_.inode(path).stamp.mtime;
    const Fd fd = open_host(dir_ / path, O_WRONLY);
    write_all(fd.get(), bytes, path);
    set_times(fd.get(), std::nullopt, before);
  }
  bool is_over() const { return !dir_.exists(".vunify") && read_journals(dir_ / "state").sets.empty(); }

  Scratch dir_;
  JournaledSet set_;
};

// Its keeper is in guests' use: not for a moment may it be without protection.
TEST_F(Interrupted, LongOverLeavesTheKeeperProtected) {
  std::filesystem::remove(dir_ / ".vunify/0-0");
  const Fd keeper = open_host(dir_ / "a/x", O_RDONLY);
  protect(keeper.get(), by_flag());
  const auto before = dir_.inode("a/x").stamp.ctime;
  EXPECT_EQ(recover().names, 0u);
  EXPECT_EQ(dir_.inode("a/x").stamp.ctime, before);
  EXPECT_TRUE(is_protected(keeper.get(), by_flag()));
}

TEST_F(Interrupted, LinkIsUndone) {
  EXPECT_EQ(kept(), Names{});
  EXPECT_NE(dir_.inode("a/x").ino, dir_.inode("b/x").ino);
  EXPECT_EQ(dir_.read("b/x"), "same");
  EXPECT_TRUE(is_shared(dir_ / "a/x"));  // b may hold it still: a run gives a copy
  EXPECT_TRUE(is_over());
}

// The filesystem was given another UUID meanwhile.
TEST_F(Interrupted, KeeperOfAStaleMarkStaysProtectedAllTheSame) {
  set_mark(open_host(dir_ / "a/x", O_RDONLY).get(), {{1, 2, 3}, set_.keeper});
  EXPECT_EQ(kept(), Names{});
  EXPECT_TRUE(has_mark(dir_ / "a/x"));
  EXPECT_TRUE(dir_.inode("a/x").immutable);
}

// As all that the guard kept it stands unguarded then, and nothing else is wrong.
TEST_F(Interrupted, UnderAGuardThatIsNotLoadedAllIsRecovered) {
  if (is_guard_loaded()) GTEST_SKIP() << "it is";
  set_.protection = Protection::guard;
  journal("0", set_);
  move("a", "elsewhere");
  EXPECT_EQ(kept(), Names{});
  EXPECT_EQ(dir_.read("b/x"), "same");
  EXPECT_TRUE(is_over());
}

TEST_F(Interrupted, NameThatTheGuestReplacedStaysAsItIs) {
  dir_.write("b/new", "new");
  move("b/new", "b/x");
  EXPECT_EQ(kept(), Names{});
  EXPECT_EQ(dir_.read("b/x"), "new");
  EXPECT_TRUE(is_over());
}

TEST_F(Interrupted, NameThatTheGuestRemovedStaysAway) {
  std::filesystem::remove(dir_ / "b/x");
  EXPECT_EQ(kept(), Names{});
  EXPECT_FALSE(dir_.exists("b/x"));
  EXPECT_TRUE(is_over());
}

TEST_F(Interrupted, KeeperIsProtectedWhereverItsNamesWent) {
  move("a", "elsewhere");
  move("b/x", "b/y");
  EXPECT_EQ(kept(), Names{});
  EXPECT_EQ(dir_.read("b/y"), "same");
  EXPECT_TRUE(is_shared(dir_ / "b/y"));
  EXPECT_TRUE(is_over());
}

TEST_F(Interrupted, GuestThatMovedAwayKeepsAProtectedFile) {
  move("b", "moved");
  EXPECT_EQ(kept(), Names{});
  EXPECT_TRUE(is_shared(dir_ / "moved/x"));
  EXPECT_TRUE(is_over());
}

// What was written nobody knows whose it is: one guest's bytes never stay in another, and are not lost either.
TEST_F(Interrupted, WrittenKeeperGivesTheOldFileBackAndKeepsWhatTheNameShowed) {
  write_keeping_times("a/x", "evil");
  EXPECT_EQ(kept(), Names{staging() + "/0-0.newer"});
  EXPECT_EQ(dir_.read("a/x"), "evil");
  EXPECT_EQ(dir_.read("b/x"), "same");
  EXPECT_EQ(dir_.names(".vunify"), Names{"0-0.newer"});
  EXPECT_EQ(dir_.read(".vunify/0-0.newer"), "evil");
}

TEST_F(Interrupted, WrittenKeeperIsFoundWhereverItsGuestMovedTheName) {
  std::filesystem::create_directory(dir_ / "b/deep");
  move("b/x", "b/deep/y");
  std::filesystem::create_hard_link(dir_ / "b/deep/y", dir_ / "b/z");
  write_keeping_times("a/x", "evil");
  recover();
  EXPECT_EQ(dir_.read("b/deep/y"), "same");
  EXPECT_EQ(dir_.inode("b/z").ino, dir_.inode("b/deep/y").ino);
}

TEST_F(Interrupted, OldFileOfANameThatIsNotFoundIsKeptWhereTheKeeperWasWritten) {
  move("b/x", "elsewhere");
  write_keeping_times("a/x", "evil");
  EXPECT_EQ(kept(), Names{staging() + "/0-0"});
  EXPECT_EQ(dir_.read(".vunify/0-0"), "same");
}

TEST_F(Interrupted, KeeperWhoseMetadataChangedIsAWrittenOne) {
  shell_or_fail("chmod 4755 " + (dir_ / "a/x"));
  EXPECT_EQ(kept(), Names{staging() + "/0-0.newer"});
  EXPECT_EQ(dir_.inode("b/x").mode & 07777, 0644u);
}

TEST_F(Interrupted, KeeperThatIsBeingWrittenIsAWrittenOne) {
  const Fd writer = open_host(dir_ / "a/x", O_WRONLY);
  EXPECT_EQ(kept(), Names{staging() + "/0-0.newer"});
  EXPECT_EQ(dir_.read("b/x"), "same");
}

TEST_F(Interrupted, WhatTheGuestHadPutThereInsteadGoesBack) {
  move(".vunify/0-0", "victim");
  dir_.write(".vunify/0-0", "newest");
  EXPECT_EQ(kept(), Names{});
  EXPECT_EQ(dir_.read("b/x"), "newest");
  EXPECT_TRUE(is_over());
}

TEST_F(Interrupted, WhatWasKeptIsToldAgainUntilItIsGone) {
  write_keeping_times("a/x", "evil");
  recover();
  for (int start = 0; start < 3; ++start) EXPECT_EQ(kept(), Names{staging() + "/0-0.newer"});
  std::filesystem::remove(dir_ / ".vunify/0-0.newer");
  EXPECT_EQ(kept(), Names{});
  EXPECT_TRUE(is_over());
}

TEST_F(Interrupted, KeeperThatAGuestLeasesIsWaitedFor) {
  const Fd guest = open_host(dir_ / "a/x", O_RDONLY);
  ASSERT_EQ(::fcntl(guest.get(), F_SETSIG, SIGCHLD), 0);  // ignored, unlike SIGIO
  ASSERT_EQ(::fcntl(guest.get(), F_SETLEASE, F_WRLCK), 0);
  std::thread giving_up([&] {
    while (::fcntl(guest.get(), F_GETLEASE) == F_WRLCK) std::this_thread::yield();
    ::fcntl(guest.get(), F_SETLEASE, F_UNLCK);
  });
  EXPECT_EQ(kept(), Names{});
  giving_up.join();
  EXPECT_NE(dir_.inode("a/x").ino, dir_.inode("b/x").ino);
  EXPECT_TRUE(is_over());
}

// A keeper that cannot be opened at all: EINVAL, and not ESTALE, is what every kernel says of a handle without a byte.
TEST_F(Interrupted, SetThatFailsLeavesTheOthersAlone) {
  auto broken = set_;
  broken.handle = std::string(sizeof(file_handle), '\0');
  broken.names.clear();
  journal("1", broken);
  EXPECT_EQ(kept(), Names{dir_ / "a/x"});
  EXPECT_EQ(dir_.read("b/x"), "same");
  EXPECT_NE(dir_.inode("a/x").ino, dir_.inode("b/x").ino);
}

TEST_F(Interrupted, StrangerInStagingIsKept) {
  dir_.write(".vunify/stranger", "who knows");
  for (int start = 0; start < 3; ++start) EXPECT_EQ(kept(), Names{staging() + "/stranger"});
  EXPECT_EQ(dir_.read(".vunify/stranger"), "who knows");
  EXPECT_EQ(dir_.read("b/x"), "same");
}

TEST_F(Interrupted, StagedNameOfAnotherInodeIsKeptWhereItsNameIsNotFound) {
  move(".vunify/0-0", "victim");
  dir_.write(".vunify/0-0", "another");
  move("b/x", "b/y");
  for (int start = 0; start < 3; ++start) EXPECT_EQ(kept(), Names{staging() + "/0-0"});
  EXPECT_EQ(dir_.read(".vunify/0-0"), "another");
  EXPECT_TRUE(is_shared(dir_ / "b/y"));
}

TEST_F(Interrupted, MarkedVictimIsProtectedAgain) {
  std::filesystem::create_hard_link(dir_ / ".vunify/0-0", dir_ / "c");
  const Fd fd = open_host(dir_ / "c", O_RDONLY);
  set_mark(fd.get(), {fs_id(fd.get()), stat_fd(fd.get()).ino});
  EXPECT_EQ(kept(), Names{});
  EXPECT_EQ(dir_.inode("b/x").ino, dir_.inode("c").ino);
  EXPECT_TRUE(is_shared(dir_ / "c"));
}

TEST_F(Interrupted, FlagsOfTheGuestsOwnStay) {
  shell("chattr -i " + (dir_ / "a/other") + "; chattr +i " + (dir_ / "a/other"));
  auto other = set_;
  other.path = "other";
  other.keeper = dir_.inode("a/other").ino;
  other.handle = handle_of(open_host(dir_ / "a/other", O_RDONLY).get());
  other.names[0].staged = "0-1";  // nothing is staged of it
  journal("1", other);
  recover();
  EXPECT_TRUE(dir_.inode("a/other").immutable);
  EXPECT_TRUE(is_shared(dir_ / "a/x"));
}

TEST_F(Interrupted, GarbageBesideTheJournalIsToldOnceAndKept) {
  dir_.write("state/journal.1", std::string(1000, 'x'));
  EXPECT_EQ(kept(), Names{dir_ / "state/damaged-journal.1"});
  EXPECT_EQ(dir_.read("b/x"), "same");
  EXPECT_EQ(kept(), Names{});
  EXPECT_EQ(dir_.names("state"), (Names{"damaged-journal.1", "journal.0", "key"}));
}

TEST_F(Interrupted, AnotherFilesystemAtTheSamePathIsLeftAlone) {
  set_.fs = "another";
  journal("0", set_);
  EXPECT_EQ(kept(), Names{});
  EXPECT_EQ(dir_.names(".vunify"), Names{"0-0"});
  EXPECT_EQ(dir_.names("state"), (Names{"journal.0", "journal.unresolved", "key"}));
}

TEST_F(Interrupted, DirectorysTimeComesBack) {
  set_.names[0].directory_mtime = {1577836800, 0};
  journal("0", set_);
  // One rename stamps both, as an exchange does.
  move(".vunify/0-0", "b/tmp");
  move("b/tmp", ".vunify/0-0");
  recover();
  EXPECT_EQ(dir_.inode("b").stamp.mtime, (Timestamp{1577836800, 0}));
}

TEST(Recover, WaitsForAFilesystemThatIsNotMounted) {
  const Scratch state;
  JournaledSet set{Intent::link, "/nonexistent/.vunify", "fs", "/nonexistent/a", "x", 1, {}, 0, {}, by_flag(), {}};
  set.names.push_back({"0-0", "/nonexistent/b", "x", 1, 2, {}});
  Journal(state.root(), "0").begin({set});
  for (int start = 0; start < 3; ++start) EXPECT_TRUE(recover(state.root()).kept.empty());
  EXPECT_EQ(read_journals(state.root()).sets.size(), 1U);
}

// b's own x and y, one file with a's x, were to get one copy: x has it.
class InterruptedBetweenTwoNames : public Interrupted {
 protected:
  void SetUp() override {
    Journal(dir_ / "state", "0").end();
    std::filesystem::remove(dir_ / ".vunify/0-0");
    std::filesystem::remove(dir_ / "b/x");
    clear_mark(open_host(dir_ / "a/x", O_RDONLY).get());
    std::filesystem::create_hard_link(dir_ / "a/x", dir_ / "b/y");
    std::filesystem::create_hard_link(dir_ / "a/x", dir_ / ".vunify/0-0");
    shell_or_fail("cp -p " + (dir_ / "a/x") + " " + (dir_ / "b/x"));
    std::filesystem::create_hard_link(dir_ / "b/x", dir_ / ".vunify/0-1");
    const auto copy = dir_.inode("b/x").ino;
    set_.intent = Intent::copy;
    set_.protection = Protection::none;
    set_.names = {{"0-0", dir_ / "b", "x", copy, set_.keeper, {}}, {"0-1", dir_ / "b", "y", copy, set_.keeper, {}}};
    journal("0", set_);
  }
};

TEST_F(InterruptedBetweenTwoNames, LeadsTheOtherThere) {
  recover();
  EXPECT_EQ(dir_.inode("b/y").ino, dir_.inode("b/x").ino);
  EXPECT_NE(dir_.inode("b/y").ino, dir_.inode("a/x").ino);
  EXPECT_TRUE(is_over());
}

TEST_F(InterruptedBetweenTwoNames, LosesNothingThatWasWrittenMeanwhile) {
  write_keeping_times("b/y", "mine");
  recover();
  EXPECT_EQ(dir_.read("b/y"), "mine");
  EXPECT_EQ(dir_.read("b/x"), "same");
  EXPECT_TRUE(is_over());
}

TEST_F(InterruptedBetweenTwoNames, LosesNoChangeOfMetadata) {
  shell_or_fail("chmod 600 " + (dir_ / "b/y"));
  recover();
  EXPECT_EQ(dir_.inode("b/y").mode & 0777, 0600u);
  EXPECT_NE(dir_.inode("b/y").ino, dir_.inode("b/x").ino);
  EXPECT_TRUE(is_over());
}

}  // namespace
}  // namespace vunify::test
