// SPDX-License-Identifier: Apache-2.0
// What an interrupted run made nobody's, and nobody came to share, carries its guest's tag again.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "change/recover.h"
#include "sys/handle.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "tests/root_test.h"
#include "tests/scratch.h"
#include "tests/shared.h"

namespace vunify::test {
namespace {

// "a/x" is marked and nobody's, "b/x" is still b's own.
class InterruptedTagged : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    ASSERT_TRUE(fs_.ok()) << fs_.reason();
    dir_.emplace(Scratch::Files{{"a/x", "same"}, {"b/x", "same"}}, fs_.root());
    shell_or_fail("cd " + dir_->root() + " && mkdir -m 700 .vunify state && chattr -p 41 a && chattr -p 42 b b/x");
    const Fd fd = open_host(*dir_ / "a/x", O_RDONLY);
    const auto keeper = stat_fd(fd.get());
    set_mark(fd.get(), {fs_id(fd.get()), keeper.ino});
    set_ = {.intent = Intent::link,
            .staging = *dir_ / ".vunify",
            .fs = to_string(fs_id(fd.get())),
            .root = *dir_ / "a",
            .path = "x",
            .keeper = keeper.ino,
            .handle = handle_of(fd.get()),
            .size = keeper.stamp.size,
            .mtime = keeper.stamp.mtime,
            .protection = by_flag()};
    set_.names.push_back({"0-0", *dir_ / "b", "x", keeper.ino, dir_->inode("b/x").ino, {}});
  }

  void stage(const std::string& path) const { std::filesystem::create_hard_link(*dir_ / path, *dir_ / ".vunify/0-0"); }
  void recover() const {
    Journal(*dir_ / "state", "0").begin({set_});
    EXPECT_TRUE(vunify::recover(*dir_ / "state").kept.empty());
  }
  std::uint32_t project(const std::string& path) const { return project_id(open_host(*dir_ / path, O_RDONLY).get()); }

  LoopFs fs_{"xfs"};
  std::optional<Scratch> dir_;
  JournaledSet set_;
};

TEST_F(InterruptedTagged, KeeperThatNobodyCameToShare) {
  set_.protection = Protection::cow;  // natively it waits for a run, which gives it a copy
  stage("a/x");
  recover();
  EXPECT_EQ(project("a/x"), 41u);
  EXPECT_EQ(project("b/x"), 42u);
  EXPECT_FALSE(has_mark(*dir_ / "a/x"));
}

TEST_F(InterruptedTagged, KeeperThatOneOtherGuestHas) {
  set_.protection = Protection::cow;
  std::filesystem::rename(*dir_ / "a/x", *dir_ / "b/x");
  recover();
  EXPECT_EQ(project("b/x"), 42u);
  EXPECT_FALSE(has_mark(*dir_ / "b/x"));
}

TEST_F(InterruptedTagged, KeeperThatAnotherHasStaysShared) {
  set_.protection = Protection::cow;
  std::filesystem::create_hard_link(*dir_ / "a/x", *dir_ / "b/y");
  recover();
  EXPECT_TRUE(has_mark(*dir_ / "b/y"));
  EXPECT_EQ(project("b/y"), 0u);
}

TEST_F(InterruptedTagged, KeeperThatItsGuestMovedWaitsForARunThatFindsIt) {
  std::filesystem::rename(*dir_ / "a/x", *dir_ / "a/y");
  recover();
  EXPECT_TRUE(has_mark(*dir_ / "a/y"));
  EXPECT_TRUE(dir_->inode("a/y").immutable);
  ASSERT_EQ(run({"vunify", "--state", *dir_ / "state", "-R", *dir_ / "a"}).status, 0);
  EXPECT_EQ(project("a/y"), 41u);
  EXPECT_FALSE(has_mark(*dir_ / "a/y"));
}

}  // namespace
}  // namespace vunify::test
