// SPDX-License-Identifier: Apache-2.0
// One link, step by step: between any two of them the guests may be at work.
#include "change/keeper_link.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <vector>

#include "sys/inode_attr.h"
#include "tests/act_before.h"
#include "tests/change/linking_over.h"
#include "tests/eventually.h"
#include "tests/scanner.h"
#include "tests/shared.h"
#include "tests/waiting_writer.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

bool has_thread_of(int policy) {
  const auto threads = std::filesystem::directory_iterator("/proc/self/task");
  return std::ranges::any_of(threads, [policy](const auto& thread) {
    return sched_getscheduler(std::stoi(thread.path().filename())) == policy;
  });
}

TEST_F(LinkingOver, MakesOneProtectedInodeOfThem) {
  prove();
  const auto keeper = ino("a/f");
  link();
  for (const auto* path : {"a/f", "b/f", "c/f"}) EXPECT_EQ(ino(path), keeper);
  EXPECT_TRUE(is_shared(dir_ / "a/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
  EXPECT_EQ(result_.freed_when_closed, 0u);
}

// A nightly run is nice, and guests that compute would hold it up there.
TEST_F(LinkingOver, LeavesTheProcessorToNobodyWhileTheKeeperIsBare) {
  prove();
  std::vector<bool> urgent;
  act_before(
      SYS_renameat2, [this] { link_->run(); }, [&](int) { urgent.push_back(has_thread_of(SCHED_FIFO)); });
  EXPECT_THAT(urgent, ElementsAre(true, true));
  EXPECT_FALSE(has_thread_of(SCHED_FIFO));
}

TEST_F(LinkingOver, KeepsVictimsInStagingUntilTheEnd) {
  prove();
  const auto victim = ino("b/f");
  link_->run();
  EXPECT_EQ(ino("staging/0"), victim);
  link_->look_again();
  link_->finish();
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(LinkingOver, TellsWhatAReaderStillHolds) {
  const Fd reader = open_host(dir_ / "b/f", O_RDONLY);
  prove();
  link();
  EXPECT_EQ(result_.freed_when_closed, 4096u);
}

// Between the proof and the first step.
TEST_F(LinkingOver, LeavesAVictimChangedAfterTheProof) {
  prove();
  const auto before = ino("b/f");
  chmod("b/f");
  link();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(ino("b/f"), before);
  EXPECT_EQ(dir_.inode("b/f").mode & 0777, 0600u);
  EXPECT_EQ(ino("c/f"), ino("a/f"));
}

TEST_F(LinkingOver, DoesNothingOnceTheKeeperChanged) {
  prove();
  chmod("a/f");
  link();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(dir_.inode("a/f").mode & 0777, 0600u);
  expect_untouched();
}

TEST_F(LinkingOver, LeavesAVanishedName) {
  prove();
  std::filesystem::remove(dir_ / "b/f");
  link();
  EXPECT_FALSE(dir_.exists("b/f"));
  EXPECT_EQ(ino("c/f"), ino("a/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(LinkingOver, LeavesAllAsItWasWhereNothingCouldBeLinked) {
  prove();
  for (const auto* path : {"b/f", "c/f"}) std::filesystem::remove(dir_ / path);
  link();
  EXPECT_FALSE(is_shared(dir_ / "a/f"));
  EXPECT_EQ(dir_.inode("a/f").nlink, 1u);
}

TEST_F(LinkingOver, LeavesWhatWasLeftOutBefore) {
  prove();
  link_->leave(0, LinkEnd::locked);
  link();
  EXPECT_EQ(end_of("b"), LinkEnd::locked);
  EXPECT_NE(ino("b/f"), ino("a/f"));
  EXPECT_EQ(ino("c/f"), ino("a/f"));
}

// Between prepare and exchange.
TEST_F(LinkingOver, LeavesAVictimThatTheGuestReplaced) {
  prove();
  link_->prepare();
  ASSERT_EQ(shell("cd " + (dir_ / "b") + " && echo new > g && mv g f").status, 0);
  link_prepared();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(dir_.read("b/f"), "new\n");
  EXPECT_EQ(ino("c/f"), ino("a/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(LinkingOver, ShowsTheKeeperToNobodyWhoReplacedTheVictim) {
  prove();
  link_->prepare();
  std::filesystem::rename(dir_ / "b/f", dir_ / "b/moved");
  dir_.write("b/f", "new");
  int exchanges = 0;
  act_before(
      SYS_renameat2, [this] { link_->exchange(); }, [&](int nth) { exchanges = nth; });
  EXPECT_EQ(exchanges, 1);  // of c/f
  link_->protect();
  link_->check();
  link_->finish();
  EXPECT_EQ(dir_.read("b/f"), "new");
}

// Within exchange, after the look at the name.
TEST_F(LinkingOver, GivesBackWhatCameOutInsteadOfTheVictim) {
  prove();
  link_->prepare();
  const auto guest = [this](int nth) {
    if (nth != 1) return;
    std::filesystem::rename(dir_ / "b/f", dir_ / "b/moved");
    dir_.write("b/f", "new");
  };
  act_before(
      SYS_renameat2, [this] { link_->exchange(); }, guest);
  link_->protect();
  link_->check();
  result_ = link_->finish();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(dir_.read("b/f"), "new");
  EXPECT_EQ(dir_.read("b/moved"), "same");
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

// Between check and finish.
TEST_F(LinkingOver, GivesBackAVictimThatSomebodyWantsToWriteTo) {
  prove();
  const auto before = ino("b/f");
  const Fd victim = look_up("b/f");
  link_->run();
  EXPECT_TRUE(is_kept_waiting(victim));
  link_->look_again();
  result_ = link_->finish();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(ino("b/f"), before);
  EXPECT_TRUE(is_shared(dir_ / "c/f"));
}

// He passed the kernel's permission check before the keeper was protected, and comes to its lease only now.
TEST_F(LinkingOver, GivesAllBackWhereSomebodyComesLateToTheKeeper) {
  prove();
  const Fd keeper = open_host(dir_ / "a/f", O_RDONLY);
  link_->run();
  unprotect(keeper.get());
  EXPECT_TRUE(is_kept_waiting(keeper));
  protect(keeper.get(), by_flag());
  result_ = link_->finish();
  for (const auto* guest : {"b", "c"}) EXPECT_EQ(end_of(guest), LinkEnd::changed) << guest;
  expect_untouched();
}

TEST_F(LinkingOver, TurnsAwayWhoComesLateToTheKeeperByAnotherName) {
  prove();
  const Fd keeper = open_host(dir_ / "a/f", O_RDONLY);
  link_->run();
  unprotect(keeper.get());
  const WaitingWriter writer(dir_, "b/f");
  ASSERT_TRUE(writer.waits());
  protect(keeper.get(), by_flag());
  link_->finish();
  ASSERT_TRUE(writer.is_done());
  EXPECT_EQ(dir_.read("a/f"), "same");
  EXPECT_EQ(dir_.read("b/f"), "same+");
}

TEST_F(LinkingOver, GivesBackAVictimThatAGuestLinkedMeanwhile) {
  prove();
  const auto victim = ino("b/f");
  link_->run();
  std::filesystem::create_hard_link(dir_ / "staging/0", dir_ / "b/again");
  link_->look_again();
  result_ = link_->finish();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(ino("b/f"), victim);
  EXPECT_EQ(ino("b/again"), victim);
  EXPECT_TRUE(is_shared(dir_ / "c/f"));
}

TEST_F(LinkingOver, SeesAWriterWhoHasNotComeToTheLeaseYet) {
  prove();
  Scanner scanner(dir_ / "b/f");
  if (!scanner.works()) GTEST_SKIP() << "no fanotify here";
  link_->prepare();
  scanner.hold_a_writer();
  link_prepared();
  scanner.let_go();
  ASSERT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_TRUE(eventually([&] { return dir_.read("b/f") == "same+"; })) << dir_.read("b/f");
  EXPECT_EQ(dir_.read("a/f"), "same");
  EXPECT_EQ(ino("c/f"), ino("a/f"));
}

// He could come through any of the names, and none of them is his any more.
TEST_F(LinkingOver, TellsOfAWriterWhoDoesNotComeToTheKeepersLease) {
  prove();
  Scanner scanner(dir_ / "a/f");
  if (!scanner.works()) GTEST_SKIP() << "no fanotify here";
  link_->prepare();
  link_->exchange();
  scanner.hold_a_writer();
  link_->protect();
  link_->check();
  link_->look_again();
  result_ = link_->finish();
  scanner.let_go();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_TRUE(result_.has_writer_left);
}

TEST_F(LinkingOver, GivesBackAVictimThatWasChangedByDescriptorMeanwhile) {
  const auto before = ino("b/f");
  link_and_change_by_descriptor();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(dir_.inode("b/f").mode & 0777, 0600u);
  EXPECT_EQ(ino("b/f"), before);  // itself, and no copy
  EXPECT_EQ(ino("c/f"), ino("a/f"));
}

// Between look_again and finish.
TEST_F(LinkingOver, GivesACopyOfAVictimThatWasChangedAtTheLastMoment) {
  prove();
  const Fd opened = open_host(dir_ / "b/f", O_RDONLY);
  link_->run();
  link_->look_again();
  ASSERT_EQ(::fchmod(opened.get(), 0600), 0);
  result_ = link_->finish();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(dir_.inode("b/f").mode & 0777, 0600u);
  EXPECT_EQ(dir_.read("b/f"), "same");
  EXPECT_EQ(ino("c/f"), ino("a/f"));
  EXPECT_TRUE(is_shared(dir_ / "a/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

}  // namespace
}  // namespace vunify::test
