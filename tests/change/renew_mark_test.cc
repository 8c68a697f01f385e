// SPDX-License-Identifier: Apache-2.0
// A shared inode that is marked anew, step by step: between any two of them its guests may be at work.
#include "change/renew_mark.h"

#include <gmock/gmock.h>
#include <sys/syscall.h>

#include <filesystem>
#include <optional>

#include "change/recover.h"
#include "sys/mark.h"
#include "tests/act_before.h"
#include "tests/root_test.h"
#include "tests/shared.h"
#include "tests/waiting_writer.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// a/f and b/f are one inode, immutable, with a mark of another filesystem. On XFS, where who passed the permission
// check writes whatever the inode's flags are by then.
class RenewingAMark : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
    dir_.emplace(Scratch::Files{{"a/f", "same"}, {"b/g", ""}, {"state/x", ""}}, fs_.root());
    std::filesystem::create_hard_link(*dir_ / "a/f", *dir_ / "b/f");
    root_.emplace(dir_->root());
    const Fd file = open_host(*dir_ / "a/f", O_RDONLY);
    id_ = {fs_id(file.get()), stat_fd(file.get()).ino};
    set_mark(file.get(), {{1, 2, 3}, id_.ino});
    protect(file.get(), by_flag());
    request_ = {{{&*root_, "a/f"}, {&*root_, "b/f"}}, id_, by_flag()};
    renewal_.emplace(request_);
  }

  bool is_stale() const {
    return mark_on(open_host(*dir_ / "a/f", O_RDONLY).get(), id_) == Mark::stale && dir_->inode("a/f").immutable;
  }
  RenewReason renew_all() {
    EXPECT_TRUE(renewal_->open(OnLease::fail));
    renewal_->lift();
    renewal_->renew();
    return renewal_->finish();
  }

  LoopFs fs_{"xfs"};
  std::optional<Scratch> dir_;
  std::optional<RootDir> root_;
  FileId id_;
  RenewRequest request_;
  std::optional<MarkRenewal> renewal_;
};

TEST_F(RenewingAMark, MakesItValidAndKeepsTheProtection) {
  EXPECT_TRUE(is_stale());
  EXPECT_EQ(renew_all(), "");
  EXPECT_TRUE(is_shared(*dir_ / "b/f"));
}

TEST_F(RenewingAMark, LeavesOneThatLostItsFlagToAnotherRun) {
  shell_or_fail("chattr -i " + *dir_ / "a/f");
  EXPECT_EQ(renew_all(), "changed");
  EXPECT_FALSE(dir_->inode("a/f").immutable);
}

TEST_F(RenewingAMark, LeavesAnotherFileOfThatName) {
  shell_or_fail("cd " + dir_->root() +
                " && chattr -i a/f && rm a/f && chattr +i b/f && echo own >a/f && chattr +i a/f");
  request_.names.pop_back();
  EXPECT_EQ(renew_all(), "changed");
  EXPECT_TRUE(dir_->inode("a/f").immutable);
  EXPECT_FALSE(has_mark(*dir_ / "a/f"));
}

TEST_F(RenewingAMark, LeavesOneThatIsBeingWritten) {
  shell_or_fail("chattr -i " + *dir_ / "b/f");
  const Fd writer = open_host(*dir_ / "b/f", O_WRONLY);
  shell_or_fail("chattr +i " + *dir_ / "b/f");
  EXPECT_EQ(renew_all(), "open for writing");
  EXPECT_TRUE(is_stale());
}

TEST_F(RenewingAMark, AWriterWhoComesInThatMomentIsTurnedAway) {
  ASSERT_TRUE(renewal_->open(OnLease::fail));
  renewal_->lift();
  const WaitingWriter writer(*dir_, "b/f");
  ASSERT_TRUE(writer.waits());
  renewal_->renew();
  EXPECT_EQ(renewal_->finish(), "");
  ASSERT_TRUE(writer.is_done());
  EXPECT_EQ(dir_->read("a/f"), "same");
  EXPECT_TRUE(is_shared(*dir_ / "a/f"));
}

TEST_F(RenewingAMark, WhatIsChangedInThatMomentIsGivenBack) {
  ASSERT_TRUE(renewal_->open(OnLease::fail));
  renewal_->lift();
  shell_or_fail("chmod 4777 " + *dir_ / "b/f");
  renewal_->renew();
  renewal_->finish();
  EXPECT_EQ(dir_->inode("a/f").mode & 07777, 0644u);
}

TEST_F(RenewingAMark, TheNextStartProtectsWhatAnInterruptedRunHasNot) {
  const Scratch state;
  ASSERT_TRUE(renewal_->open(OnLease::fail));
  Journal(state.root(), "marks").begin({*renewal_->journaled(*dir_ / ".vunify", to_string(id_.fs))});
  renewal_->lift();
  ASSERT_FALSE(dir_->inode("a/f").immutable);
  EXPECT_THAT(recover(state.root()).kept, IsEmpty());
  EXPECT_TRUE(is_stale());
}

TEST_F(RenewingAMark, IsJournaledFirst) {
  const auto state = *dir_ / "state";
  Journal journal(state, "marks");
  const Fd on_fs = open_host(dir_->root(), O_RDONLY | O_DIRECTORY);
  const auto run = [&] {
    EXPECT_THAT(MarkRenewer(journal, on_fs.get(), *dir_ / ".vunify").run({&request_, 1}, [] { return false; }),
                ElementsAre(""));
  };
  act_before(SYS_fsetxattr, run, [&](int) { EXPECT_EQ(read_journals(state).sets.size(), 1u); });
  EXPECT_TRUE(is_shared(*dir_ / "a/f"));
  EXPECT_THAT(read_journals(state).sets, IsEmpty());
}

}  // namespace
}  // namespace vunify::test
