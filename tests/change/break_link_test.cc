// SPDX-License-Identifier: Apache-2.0
// One link broken, step by step: between any two of them the guests may be at work.
#include "change/break_link.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "sys/handle.h"
#include "tests/scanner.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

using testing::IsEmpty;

// a/f and b/f are one inode that nothing protects, as cp -al leaves it; b/f is to get its own.
class BreakingOff : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto* directory : {"b", "staging"}) dir_.make_directory(directory);
    std::filesystem::create_hard_link(dir_ / "a/f", dir_ / "b/f");
    request_ = {{{&root_, "b/f"}}, {{}, ino("a/f")}};
    staging_ = open_host(dir_ / "staging", O_RDONLY | O_DIRECTORY);
    break_.emplace(request_, std::vector{StagedName{staging_.get(), "0"}});
  }

  void copy() {
    ASSERT_TRUE(break_->open(OnLease::fail));
    break_->copy();
  }
  void lead() {
    copy();
    break_->lift();
    ASSERT_TRUE(break_->lead(0));
  }
  void check() {
    break_->check(0);
    break_->protect();
    result_ = break_->finish();
  }
  void end() {
    break_->exchange();
    result_ = break_->finish();
  }
  void expect_left_as_it_was() const {
    EXPECT_TRUE(result_.changed);
    EXPECT_EQ(result_.copied, 0u);
    EXPECT_EQ(ino("b/f"), ino("a/f"));
    EXPECT_THAT(dir_.names("staging"), IsEmpty());
  }
  // Before Linux 6.13 all that happens within a tick has one ctime (sys/fine_ctime.h), and as many links are as many.
  void let_the_clock_tick() const {
    do dir_.write("clock", "");
    while (dir_.inode("clock").stamp.ctime == dir_.inode("b/f").stamp.ctime);
  }
  std::uint64_t ino(const std::string& path) const { return dir_.inode(path).ino; }
  void chmod(const std::string& path) const { shell_or_fail("chmod 600 " + (dir_ / path)); }

  Scratch dir_{{"a/f", "same"}};
  RootDir root_{dir_.root()};
  Fd staging_;
  BreakRequest request_;
  std::optional<LinkBreak> break_;
  BreakResult result_;
};

TEST_F(BreakingOff, GivesTheNameACopy) {
  copy();
  end();
  EXPECT_EQ(result_.copied, 1u);
  EXPECT_NE(ino("b/f"), ino("a/f"));
  EXPECT_EQ(dir_.read("b/f"), "same");
}

TEST_F(BreakingOff, LeavesAnInodeChangedSinceItWasCopied) {
  copy();
  chmod("b/f");
  end();
  expect_left_as_it_was();
}

TEST_F(BreakingOff, LeavesAnInodeLinkedSinceItWasCopied) {
  copy();
  let_the_clock_tick();
  std::filesystem::create_hard_link(dir_ / "b/f", dir_ / "b/g");
  std::filesystem::remove(dir_ / "a/f");
  end();
  EXPECT_TRUE(result_.changed);
  EXPECT_EQ(ino("b/f"), ino("b/g"));
}

TEST_F(BreakingOff, LeavesAnInodeLinkedSinceItWasPlanned) {
  request_.links = 2;
  std::filesystem::create_hard_link(dir_ / "b/f", dir_ / "b/g");
  copy();
  end();
  expect_left_as_it_was();
}

TEST_F(BreakingOff, TakesTheCopyBackWhereTheInodeChangedMeanwhile) {
  lead();
  chmod("a/f");
  check();
  expect_left_as_it_was();
  EXPECT_EQ(dir_.inode("b/f").mode & 0777, 0600u);
}

TEST_F(BreakingOff, TakesTheCopyBackWhereTheInodeWasLinkedMeanwhile) {
  lead();
  std::filesystem::create_hard_link(dir_ / "a/f", dir_ / "b/g");
  check();
  expect_left_as_it_was();
}

// By somebody who had looked b/f up when it led to the inode still.
TEST_F(BreakingOff, GivesTheCopyWhatIsSetAMomentLater) {
  const Fd looked_up = open_host(dir_ / "b/f", O_PATH);
  copy();
  break_->exchange();
  shell_or_fail("chmod 600 /proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(looked_up.get()));
  result_ = break_->finish();
  EXPECT_NE(ino("b/f"), ino("a/f"));
  EXPECT_EQ(dir_.inode("b/f").mode & 0777, 0600u);
}

TEST_F(BreakingOff, LeavesACopyThatItsGuestChangedItself) {
  copy();
  break_->exchange();
  chmod("b/f");
  shell_or_fail("chmod 640 " + (dir_ / "a/f"));
  result_ = break_->finish();
  EXPECT_EQ(dir_.inode("b/f").mode & 0777, 0600u);
}

TEST_F(BreakingOff, LeavesACopyThatItsGuestUses) {
  lead();
  chmod("b/f");
  shell_or_fail("chmod 640 " + (dir_ / "a/f"));
  check();
  EXPECT_NE(ino("b/f"), ino("a/f"));
  EXPECT_EQ(dir_.inode("b/f").mode & 0777, 0600u);
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

// He passed the permission check while the inode was not protected, and has not come to its lease.
TEST_F(BreakingOff, TellsOfAWriterWhoCouldNotBeTurnedAway) {
  lead();
  Scanner scanner(dir_ / "a/f");
  if (!scanner.works()) GTEST_SKIP() << "no fanotify here";
  scanner.hold_a_writer();
  check();
  scanner.let_go();
  EXPECT_EQ(result_.reason, "a writer could not be turned away");
}

TEST_F(BreakingOff, FindsTheInodeByAnyOfItsNames) {
  request_.names.insert(request_.names.begin(), {&root_, "moved/f"});
  break_.emplace(request_, std::vector{StagedName{staging_.get(), "0"}, StagedName{staging_.get(), "1"}});
  copy();
  end();
  EXPECT_EQ(result_.copied, 1u);
  EXPECT_NE(ino("b/f"), ino("a/f"));
}

// b/f and b/d/g, which b linked itself.
class BreakingOffTogether : public BreakingOff {
 protected:
  void SetUp() override {
    BreakingOff::SetUp();
    dir_.make_directory("b/d");
    std::filesystem::create_hard_link(dir_ / "b/f", dir_ / "b/d/g");
    request_.names.push_back({&root_, "b/d/g"});
    request_.together = true;
    break_.emplace(request_, std::vector{StagedName{staging_.get(), "0"}, StagedName{staging_.get(), "1"}});
  }
  void expect_both_left_as_they_were() const {
    expect_left_as_it_was();
    EXPECT_EQ(ino("b/d/g"), ino("a/f"));
  }
};

TEST_F(BreakingOffTogether, GivesBothNamesOneCopy) {
  copy();
  end();
  EXPECT_EQ(result_.copied, 2u);
  EXPECT_EQ(result_.copies, 1u);
  EXPECT_EQ(result_.links_left, 1u);
  EXPECT_NE(ino("b/f"), ino("a/f"));
  EXPECT_EQ(ino("b/f"), ino("b/d/g"));
  EXPECT_EQ(dir_.inode("b/f").nlink, 2u);
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(BreakingOffTogether, LeavesBothWhereOneMovedAway) {
  copy();
  std::filesystem::rename(dir_ / "b/d/g", dir_ / "b/moved");
  end();
  expect_left_as_it_was();
  EXPECT_EQ(ino("b/moved"), ino("b/f"));
}

TEST_F(BreakingOffTogether, TakesBothBackWhereTheInodeChangedMeanwhile) {
  lead();
  EXPECT_EQ(ino("b/f"), ino("b/d/g"));
  chmod("a/f");
  check();
  expect_both_left_as_they_were();
}

TEST_F(BreakingOffTogether, TakesBothBackWhereOneWasReplacedMeanwhile) {
  lead();
  std::filesystem::rename(dir_ / "staging/1", dir_ / "b/moved");  // as if it had been before the exchange
  dir_.write("staging/1", "new");
  check();
  EXPECT_EQ(ino("b/f"), ino("a/f"));
  EXPECT_EQ(dir_.read("b/d/g"), "new");
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(BreakingOffTogether, TakesOneBackWhereTheOtherCannotBeLed) {
  shell_or_fail("chattr +i " + (dir_ / "b/d"));
  copy();
  end();
  shell_or_fail("chattr -i " + (dir_ / "b/d"));
  EXPECT_EQ(result_.reason, "Operation not permitted");
  EXPECT_EQ(ino("b/f"), ino("a/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(BreakingOff, KeepsTheFlagOfItsOwner) {
  shell_or_fail("chattr +i " + (dir_ / "a/f"));
  copy();
  end();
  EXPECT_EQ(result_.copied, 0u);
  EXPECT_TRUE(dir_.inode("a/f").immutable);
  shell_or_fail("chattr -i " + (dir_ / "a/f"));
}

TEST_F(BreakingOff, WaitsForAGuestThatLeasesTheInode) {
  const Fd guest = open_host(dir_ / "a/f", O_RDONLY);
  ASSERT_EQ(::fcntl(guest.get(), F_SETSIG, SIGCHLD), 0);  // ignored, unlike SIGIO
  ASSERT_EQ(::fcntl(guest.get(), F_SETLEASE, F_WRLCK), 0);
  EXPECT_FALSE(break_->open(OnLease::fail));
  ::fcntl(guest.get(), F_SETLEASE, F_UNLCK);
  EXPECT_TRUE(break_->open(OnLease::wait));
  break_->copy();
  end();
  EXPECT_EQ(result_.copied, 1u);
}

}  // namespace
}  // namespace vunify::test
