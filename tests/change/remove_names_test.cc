// SPDX-License-Identifier: Apache-2.0
// Names of a shared inode taken away, step by step: between any two of them the others may be at work.
#include "change/remove_names.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <optional>

#include "change/recover.h"
#include "sys/mark.h"
#include "tests/root_test.h"
#include "tests/shared.h"
#include "tests/waiting_writer.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// a/f, b/f and c/f are one inode, shared and immutable; c/f is to go. On XFS, where who passed the permission check
// writes whatever the inode's flags are by then.
class RemovingNames : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
    dir_.emplace(Scratch::Files{{"a/f", "same"}}, fs_.root());
    for (const auto* guest : {"b", "c"}) {
      dir_->make_directory(guest);
      std::filesystem::create_hard_link(*dir_ / "a/f", *dir_ / guest + "/f");
    }
    root_.emplace(dir_->root());
    id_ = share(*dir_ / "a/f");
    remove_ = {{{&*root_, "c/f"}}, id_};
    removal_.emplace(remove_);
    ASSERT_TRUE(removal_->open(OnLease::fail));
  }

  LoopFs fs_{"xfs"};
  std::optional<Scratch> dir_;
  std::optional<RootDir> root_;
  FileId id_;
  RemoveRequest remove_;
  std::optional<NameRemoval> removal_;
};

TEST_F(RemovingNames, TakesTheGuestsAndKeepsWhatOthersShareProtected) {
  removal_->remove();
  const auto result = removal_->finish();
  EXPECT_EQ(result.removed, 1u);
  EXPECT_EQ(result.reason, "");
  EXPECT_THAT(dir_->names("c"), IsEmpty());
  EXPECT_TRUE(is_shared(*dir_ / "a/f"));
  EXPECT_EQ(dir_->read("b/f"), "same");
}

TEST_F(RemovingNames, AWriterWhoComesInThatMomentIsTurnedAway) {
  ASSERT_TRUE(removal_->lift());
  const WaitingWriter writer(*dir_, "b/f");
  ASSERT_TRUE(writer.waits());
  removal_->take_names();
  removal_->protect();
  EXPECT_EQ(removal_->finish().reason, "");
  ASSERT_TRUE(writer.is_done());
  EXPECT_EQ(dir_->read("a/f"), "same");
}

TEST_F(RemovingNames, WhatIsChangedInThatMomentIsGivenBack) {
  ASSERT_TRUE(removal_->lift());
  shell_or_fail("chmod 4777 " + *dir_ / "b/f");
  removal_->take_names();
  removal_->protect();
  removal_->finish();
  EXPECT_EQ(dir_->inode("a/f").mode & 07777, 0644u);
}

TEST_F(RemovingNames, ANewFileOfThatNameStays) {
  shell_or_fail("chattr -i " + *dir_ / "c/f" + " && rm " + *dir_ / "c/f" + " && chattr +i " + *dir_ / "b/f");
  dir_->write("c/f", "the guest's own");
  removal_->remove();
  EXPECT_EQ(removal_->finish().removed, 0u);
  EXPECT_EQ(dir_->read("c/f"), "the guest's own");
}

// Whose name was taken may hold it still: a run gives the last one a copy.
TEST_F(RemovingNames, TheLastNameStaysProtected) {
  remove_.names.push_back({&*root_, "b/f"});
  removal_->remove();
  EXPECT_EQ(removal_->finish().removed, 2u);
  EXPECT_TRUE(is_shared(*dir_ / "a/f"));
}

TEST_F(RemovingNames, TheLastNameStaysMarkedThoughTheGuardIsGone) {
  shell_or_fail("chattr -i " + *dir_ / "a/f");
  remove_.names.push_back({&*root_, "b/f"});
  removal_.emplace(remove_);
  ASSERT_TRUE(removal_->open(OnLease::fail));
  removal_->remove();
  EXPECT_EQ(removal_->finish().removed, 2u);
  EXPECT_TRUE(has_mark(*dir_ / "a/f"));
}

TEST_F(RemovingNames, OneThatIsOpenForWritingStaysAndIsTold) {
  shell_or_fail("chattr -i " + *dir_ / "b/f");
  const Fd writer = open_host(*dir_ / "b/f", O_WRONLY);
  shell_or_fail("chattr +i " + *dir_ / "b/f");
  removal_->remove();
  EXPECT_EQ(removal_->finish().reason, "open for writing");
  EXPECT_TRUE(is_shared(*dir_ / "c/f"));
}

TEST_F(RemovingNames, TheNextStartProtectsWhatAnInterruptedRunHasNot) {
  const Scratch state;
  const auto set = removal_->journaled(*dir_ / ".vunify", to_string(id_.fs));
  ASSERT_TRUE(set);
  Journal(state.root(), "delete").begin({*set});
  ASSERT_TRUE(removal_->lift());
  removal_->take_names();
  ASSERT_FALSE(dir_->inode("a/f").immutable);
  EXPECT_THAT(recover(state.root()).kept, IsEmpty());
  EXPECT_TRUE(is_shared(*dir_ / "a/f"));
  EXPECT_THAT(read_journals(state.root()).sets, IsEmpty());
}

TEST_F(RemovingNames, TheNextStartProtectsALastName) {
  const Scratch state;
  remove_.names.push_back({&*root_, "b/f"});
  Journal(state.root(), "delete").begin({*removal_->journaled(*dir_ / ".vunify", to_string(id_.fs))});
  ASSERT_TRUE(removal_->lift());
  removal_->take_names();
  removal_.reset();  // with it goes what it has open
  recover(state.root());
  EXPECT_TRUE(is_shared(*dir_ / "a/f"));
  EXPECT_THAT(dir_->names(), ElementsAre("a", "b", "c"));
}

}  // namespace
}  // namespace vunify::test
