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

// Trees "a" and "b" beside each other. "a/x" is marked and nobody's, "b/x" is still b's own.
class InterruptedTagged : public RootTest {
 protected:
  InterruptedTagged(const std::string& directory, Protection protection)
      : directory_(directory), protection_(protection) {}
  void SetUp() override {
    RootTest::SetUp();
    ASSERT_TRUE(fs_.ok()) << fs_.reason();
    dir_.emplace(Scratch::Files{{in("a/x"), "same"}, {in("b/x"), "same"}}, fs_.root());
    shell_or_fail("cd " + dir_->root() + " && mkdir -m 700 .vunify state && cd " + directory_ +
                  " && chattr -p 41 a && chattr -p 42 b b/x");
    const Fd fd = open_host(path("a/x"), O_RDONLY);
    const auto keeper = stat_fd(fd.get());
    set_mark(fd.get(), {fs_id(fd.get()), keeper.ino});
    set_ = {.intent = Intent::link,
            .staging = *dir_ / ".vunify",
            .fs = to_string(fs_id(fd.get())),
            .root = path("a"),
            .path = "x",
            .keeper = keeper.ino,
            .handle = handle_of(fd.get()),
            .size = keeper.stamp.size,
            .mtime = keeper.stamp.mtime,
            .protection = protection_};
    set_.names.push_back({"0-0", path("b"), "x", keeper.ino, dir_->inode(in("b/x")).ino, {}});
  }

  std::string in(const std::string& name) const { return directory_ + "/" + name; }
  std::string path(const std::string& name) const { return *dir_ / in(name); }
  void recover() const {
    Journal(*dir_ / "state", "0").begin({set_});
    EXPECT_TRUE(vunify::recover(*dir_ / "state").kept.empty());
  }
  std::uint32_t project(const std::string& name) const { return project_id(open_host(path(name), O_RDONLY).get()); }

  std::string directory_;
  Protection protection_;
  LoopFs fs_{"xfs"};
  std::optional<Scratch> dir_;
  JournaledSet set_;
};

class InterruptedTaggedAdopted : public InterruptedTagged {
 protected:
  InterruptedTaggedAdopted() : InterruptedTagged(".vcow", Protection::cow) {}
};

TEST_F(InterruptedTaggedAdopted, KeeperThatNobodyCameToShare) {
  std::filesystem::create_hard_link(path("a/x"), *dir_ / ".vunify/0-0");
  recover();
  EXPECT_EQ(project("a/x"), 41u);
  EXPECT_EQ(project("b/x"), 42u);
  EXPECT_FALSE(has_mark(path("a/x")));
}

TEST_F(InterruptedTaggedAdopted, KeeperThatOneOtherGuestHas) {
  std::filesystem::rename(path("a/x"), path("b/x"));
  recover();
  EXPECT_EQ(project("b/x"), 42u);
  EXPECT_FALSE(has_mark(path("b/x")));
}

TEST_F(InterruptedTaggedAdopted, KeeperThatAnotherHasStaysShared) {
  std::filesystem::create_hard_link(path("a/x"), path("b/y"));
  recover();
  EXPECT_TRUE(has_mark(path("b/y")));
  EXPECT_EQ(project("b/y"), 0u);
}

TEST_F(InterruptedTaggedAdopted, KeeperOfGuestsThatAreGoneStaysMarked) {
  std::filesystem::rename(*dir_ / ".vcow", *dir_ / "elsewhere");
  recover();
  EXPECT_TRUE(has_mark(*dir_ / "elsewhere/a/x"));
}

class InterruptedTaggedNatively : public InterruptedTagged {
 protected:
  InterruptedTaggedNatively() : InterruptedTagged("vm", by_flag()) {}
};

TEST_F(InterruptedTaggedNatively, KeeperThatItsGuestMovedWaitsForARunThatFindsIt) {
  std::filesystem::rename(path("a/x"), path("a/y"));
  recover();
  EXPECT_TRUE(has_mark(path("a/y")));
  EXPECT_TRUE(dir_->inode(in("a/y")).immutable);
  ASSERT_EQ(run({"vunify", "--state", *dir_ / "state", "-R", path("a")}).status, 0);
  EXPECT_EQ(project("a/y"), 41u);
  EXPECT_FALSE(has_mark(path("a/y")));
}

TEST_F(InterruptedTaggedNatively, LastNameStaysMarkedThoughTheGuardIsGone) {
  set_.protection = Protection::guard;
  recover();
  EXPECT_TRUE(has_mark(path("a/x")));
}

}  // namespace
}  // namespace vunify::test
