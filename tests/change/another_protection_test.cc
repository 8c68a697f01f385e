// SPDX-License-Identifier: Apache-2.0
// A keeper that is shared under one protection and gets a run's own, which takes it from the one before it has the
// other; and one that cannot be had. In kernels that know more than one: one with kernel-cow, or with the guard.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/syscall.h>

#include <filesystem>

#include "change/protection.h"
#include "sys/mark.h"
#include "tests/act_before.h"
#include "tests/change/linking_over.h"
#include "tests/waiting_writer.h"

namespace vunify::test {
namespace {

class LinkingOverInKernelCow : public LinkingOver {
 protected:
  // d/f is one with a/f, immutable.
  void prove_shared() {
    dir_.make_directory("d");
    std::filesystem::create_hard_link(dir_ / "a/f", dir_ / "d/f");
    const Fd file = open_host(dir_ / "a/f", O_RDONLY);
    set_mark(file.get(), {fs_id(file.get()), stat_fd(file.get()).ino});
    vunify::protect(file.get(), Protection::immutable);
    scene_.emplace(dir_, Names{"a", "b", "c"});
    auto proof = scene_->prover().prove(scene_->inodes(scene_->candidates.groups[0]));
    auto request = link_request(*scene_, proof.classes.at(0));
    request.was_shared = true;
    int leaf = 0;
    link_.emplace(std::move(request), ground_of(staging_.get()), [&] {
      return StagedName{staging_.get(), std::to_string(leaf++)};
    });
  }

  Protection protection() const { return protection_of(open_host(dir_ / "d/f", O_RDONLY).get()); }

  // guest acts once, in the moment in which nothing protects the keeper.
  void link_while_bare(const std::function<void()>& guest) {
    prove_shared();
    bool was_bare = false;
    act_before(
        SYS_ioctl, [this] { link_->prepare(); },
        [&](int) {
          if (was_bare || protection() != Protection::none) return;
          was_bare = true;
          guest();
        });
    EXPECT_TRUE(was_bare);
    link_->exchange();
    link_->protect();
    link_->check();
    link_->look_again();
    result_ = link_->finish();
  }
};

TEST_F(LinkingOverInKernelCow, AKeeperOfAnotherProtectionGetsThisOne) {
  prove_shared();
  link();
  for (const auto* path : {"b/f", "c/f", "d/f"}) EXPECT_EQ(ino(path), ino("a/f")) << path;
  EXPECT_TRUE(is_shared(dir_ / "d/f"));
  EXPECT_EQ(protection(), by_flag());
}

TEST_F(LinkingOverInKernelCow, WhatIsChangedWhileItIsBareIsGivenBack) {
  link_while_bare([this] { chmod("d/f"); });
  EXPECT_EQ(dir_.inode("d/f").mode & 0777, 0644u);
  EXPECT_TRUE(is_shared(dir_ / "d/f"));
  EXPECT_EQ(protection(), by_flag());
}

TEST_F(LinkingOverInKernelCow, WhoWantsToWriteWhileItIsBareWritesToNoOther) {
  std::optional<WaitingWriter> writer;
  link_while_bare([&] {
    writer.emplace(dir_, "d/f");
    EXPECT_TRUE(writer->waits());
  });
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(end_of("c"), LinkEnd::changed);
  EXPECT_TRUE(writer->is_done());
  EXPECT_EQ(dir_.read("a/f"), "same");
  EXPECT_TRUE(is_shared(dir_ / "a/f"));
  EXPECT_THAT(dir_.names("staging"), testing::IsEmpty());
}

// iunlink is refused (ETXTBSY) while somebody is about to write; the guard is not, and who was earlier is seen after.
TEST_F(LinkingOverInKernelCow, APrivateKeeperThatSomebodyIsAboutToWriteToIsChanged) {
  prove();
  std::optional<WaitingWriter> writer;
  act_before(
      SYS_fsetxattr, [this] { link_->prepare(); },
      [&](int nth) {
        if (nth != 1) return;
        writer.emplace(dir_, "a/f");
        EXPECT_TRUE(writer->waits());
      });
  link_prepared();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(end_of("c"), LinkEnd::changed);
  expect_untouched();
  EXPECT_TRUE(writer->is_done());
  EXPECT_EQ(dir_.read("a/f"), "same+");
}

}  // namespace
}  // namespace vunify::test
