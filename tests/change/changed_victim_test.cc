// SPDX-License-Identifier: Apache-2.0
// A victim whose metadata is changed by descriptor around the moment it comes out of its guest.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sys/xattr.h"
#include "tests/act_before.h"
#include "tests/change/linking_over.h"

namespace vunify::test {
namespace {

TEST_F(LinkingOver, ShowsTheKeeperToNobodyWhoChangedTheVictim) {
  prove();
  const Fd opened = open_host(dir_ / "b/f", O_RDONLY);
  link_->prepare();
  const auto seen = stat_fd(opened.get()).stamp.ctime;
  while (stat_fd(opened.get()).stamp.ctime == seen) set_xattr(opened.get(), "user.note", "x");
  int exchanges = 0;
  act_before(
      SYS_renameat2, [this] { link_->exchange(); }, [&](int nth) { exchanges = nth; });
  EXPECT_EQ(exchanges, 1);  // of c/f
  link_->protect();
  link_->check();
  result_ = link_->finish();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
}

// Within exchange, after the look at the name.
TEST_F(LinkingOver, GivesBackAtOnceAVictimThatWasChangedBeforeItCameOut) {
  prove();
  const auto before = ino("b/f");
  const Fd opened = open_host(dir_ / "b/f", O_RDONLY);
  link_->prepare();
  const auto guest = [&](int nth) {
    if (nth != 1) return;
    ASSERT_EQ(::fchmod(opened.get(), 0600), 0);
  };
  act_before(
      SYS_renameat2, [this] { link_->exchange(); }, guest);
  link_->protect();
  link_->check();
  EXPECT_EQ(ino("b/f"), before);
  result_ = link_->finish();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(ino("c/f"), ino("a/f"));
}

// Inodes of 128 bytes have no room for less than seconds: all that happens within one has the same ctime.
struct OnCoarseTimes {
  LoopFs fs_{"ext4", 64, "", "-I 128"};
};

class LinkingOverWithCoarseCtime : protected OnCoarseTimes, public LinkingOver {
 protected:
  LinkingOverWithCoarseCtime() : LinkingOver(fs_.ok() ? fs_.root() : "/var/tmp") {}
  void SetUp() override {
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
    LinkingOver::SetUp();
  }
};

TEST_F(LinkingOverWithCoarseCtime, GivesBackAVictimThatWasChangedByDescriptorMeanwhile) {
  ASSERT_FALSE(ground_of(staging_.get()).fine_ctime);
  const auto before = ino("b/f");
  link_and_change_by_descriptor();
  EXPECT_EQ(end_of("b"), LinkEnd::changed);
  EXPECT_EQ(ino("b/f"), before);  // itself, and no copy
  EXPECT_EQ(ino("c/f"), ino("a/f"));
}

}  // namespace
}  // namespace vunify::test
