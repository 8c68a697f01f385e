// SPDX-License-Identifier: Apache-2.0
// vunify in a chroot whose root is no mount point: its mount table does not show the mount that guests and state lie
// on. What hangs on that mount is learnt from the kernel, or the run is refused.
#include <gmock/gmock.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::string served_text(5000, 's');

// The program, the libraries it loads, /proc, and the guests /a and /b.
class Chroot : public Scratch {
 public:
  explicit Chroot(const std::string& where) : Scratch({{"a/f", served_text}, {"b/f", served_text}}, where) {
    make_directory("proc");
    const auto made = shell("cd " + root() + " && cp " VUNIFY_BIN_DIR "/vunify . && ldd vunify | grep -o '/[^ ]*' | " +
                            "xargs cp --parents -Lt . && mount -t proc proc proc");
    if (made.status != 0) throw std::runtime_error(made.err);
  }

  Finished vunify(const std::string& before = "", const std::string& guests = "/a /b") const {
    return shell(before + " chroot " + root() + " /vunify --state /state " + protect_by_flag() + " --json " + guests);
  }

  bool are_one() const { return inode("a/f").ino == inode("b/f").ino; }
};

class VunifyInAChroot : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
    jail_.emplace(fs_.root());
  }

  LoopFs fs_{"ext4"};
  std::optional<Chroot> jail_;  // gone before fs_
};

TEST_F(VunifyInAChroot, UnifiesAndNamesTheDevice) {
  const auto done = jail_->vunify();
  ASSERT_EQ(done.status, 0) << done.out << done.err;
  EXPECT_TRUE(jail_->are_one());
  const auto fs = Json::parse(done.out)["filesystems"][0];
  EXPECT_EQ(fs["mount_point"], "");
  EXPECT_THAT(fs["device"].get<std::string>(), StartsWith("/dev/loop"));
}

TEST_F(VunifyInAChroot, LeavesALockedFileAlone) {
  const auto done = jail_->vunify("flock " + *jail_ / "a/f");
  ASSERT_EQ(done.status, 0) << done.out << done.err;
  EXPECT_EQ(Json::parse(done.out)["skipped"]["locked"], 1) << done.out;
  EXPECT_FALSE(jail_->are_one());
}

// Before Linux 6.8 there is no statmount(2); without this capability it tells no mount outside the root.
TEST_F(VunifyInAChroot, IsRefusedInOneLineWhereTheMountIsNotTold) {
  const auto refused = jail_->vunify("setpriv --bounding-set -sys_admin");
  EXPECT_EQ(refused.status, 3) << refused.out << refused.err;
  EXPECT_THAT(refused.err, StartsWith("vunify: /a: is on a mount that this process cannot see"));
  EXPECT_EQ(std::ranges::count(refused.err, '\n'), 1);
  EXPECT_FALSE(jail_->are_one());
  EXPECT_FALSE(jail_->exists(".vunify"));
}

TEST_F(VunifyInAChroot, IsRefusedWhereARootMayBeInsideAnother) {
  jail_->write("a/inner/f", "1");
  jail_->make_directory("c");
  ASSERT_EQ(shell("mount --bind " + *jail_ / "a/inner" + " " + *jail_ / "c").status, 0);
  const auto refused = jail_->vunify("", "/a /c");
  EXPECT_EQ(refused.status, 3) << refused.out << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("/a: may be inside /c or above it"));
}

TEST_F(VunifyInAChroot, TakesNoGuestOnAnOverlay) {
  const auto made = shell("cd " + fs_.root() + " && mkdir lower upper work merged && mount -t overlay none merged -o " +
                          "lowerdir=lower,upperdir=upper,workdir=work");
  if (made.status != 0) GTEST_SKIP() << made.err;
  const Chroot on_overlay(fs_ / "merged");
  const auto refused = on_overlay.vunify();
  EXPECT_EQ(refused.status, 2) << refused.out << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("/a: is an overlay mount"));
}

}  // namespace
}  // namespace vunify::test
