// SPDX-License-Identifier: Apache-2.0
#include "guest/adopt.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <optional>
#include <thread>

#include "guest/adopted.h"
#include "sys/directory.h"
#include "sys/mark.h"
#include "tests/act_before.h"
#include "tests/mounts_elsewhere.h"
#include "tests/root_test.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A filesystem with a guest in it, /vm/g1.
class AdoptOn : public RootTestOn {
 protected:
  void SetUp() override {
    RootTestOn::SetUp();
    fs_.emplace(GetParam());
    if (!fs_->ok()) GTEST_SKIP() << fs_->reason();
    dir_.emplace(Scratch::Files{{"vm/g1/etc/passwd", "root"}, {"vm/g1/bin/sh", "shell"}}, fs_->root());
    shell_or_fail("sync -f " + fs_->root());
  }

  void power_cut() { fs_->power_cut(); }
  const Scratch& dir() const { return *dir_; }
  std::string guest() const { return dir() / "vm/g1"; }
  GuestPlace place() const { return find_guest(guest(), read_mounts()); }
  bool is_as_before() const {
    return dir().names("vm") == std::vector<std::string>{"g1"} && dir().read("vm/g1/etc/passwd") == "root";
  }
  bool is_adopted() const {
    return dir().names("vm/g1").empty() && dir().inode("vm/g1").immutable &&
           dir().read("vm/.vcow/g1/etc/passwd") == "root";
  }
  // What is refused, and that nothing has changed.
  std::string refusal() const {
    const auto before = image_of(dir().root());
    const auto refused = adopt(guest());
    EXPECT_EQ(image_of(dir().root()), before);
    return refused ? refused->reason : "nothing was refused";
  }

 private:
  std::optional<LoopFs> fs_;
  std::optional<Scratch> dir_;
};

INSTANTIATE_TEST_SUITE_P(Each, AdoptOn, testing::Values("ext4", "xfs", "btrfs"), name_of_each);

TEST_P(AdoptOn, MovesTheTreeAndLeavesAnEmptyImmutableDirectory) {
  EXPECT_FALSE(adopt(guest()));
  EXPECT_TRUE(is_adopted());
  EXPECT_EQ(dir().inode("vm/.vcow").mode, S_IFDIR | 0700U);
  EXPECT_EQ(place().root, dir() / "vm/.vcow/g1");
  EXPECT_EQ(place().path, guest());
  EXPECT_EQ(find_guest(dir() / "vm/.vcow/g1/", read_mounts()).path, guest()) << "by where it lies";
}

TEST_P(AdoptOn, IsOnDiskOnReturn) {
  ASSERT_FALSE(adopt(guest()));
  power_cut();
  EXPECT_TRUE(is_adopted());
  ASSERT_FALSE(release(guest()));
  power_cut();
  EXPECT_EQ(dir().read("vm/g1/etc/passwd"), "root");
  EXPECT_FALSE(adopt(guest()));
  EXPECT_TRUE(is_adopted());
}

TEST_P(AdoptOn, AGuestThatIsStartedNativelyFailsAndWritesNothing) {
  ASSERT_FALSE(adopt(guest()));
  EXPECT_NE(run({"chroot", guest(), "/bin/sh"}).status, 0);
  EXPECT_NE(shell("echo x > " + guest() + "/etc || mkdir " + guest() + "/etc").status, 0);
  EXPECT_TRUE(is_adopted());
}

TEST_P(AdoptOn, ReleaseUndoesIt) {
  const auto before = image_of(guest());
  ASSERT_FALSE(adopt(guest()));
  EXPECT_FALSE(release(guest()));
  EXPECT_TRUE(is_as_before());
  EXPECT_EQ(image_of(guest()), before);
  EXPECT_FALSE(dir().inode("vm/g1").immutable);
  EXPECT_EQ(release(guest())->reason, "is not adopted");
}

TEST_P(AdoptOn, FinishesWhatWasBegun) {
  dir().make_directory("vm/.vcow/g1");
  EXPECT_FALSE(place().is_adopted()) << "prepared, not moved";
  EXPECT_FALSE(adopt(guest()));
  EXPECT_TRUE(is_adopted());
  shell_or_fail("chattr -i " + guest());
  EXPECT_TRUE(place().is_adopted()) << "moved, not yet immutable";
  EXPECT_FALSE(adopt(guest()));
  EXPECT_TRUE(is_adopted());
  shell_or_fail("chattr -i " + guest() + " && rmdir " + guest());
  EXPECT_FALSE(adopt(guest())) << "the mount point is gone";
  EXPECT_TRUE(is_adopted());
}

TEST_P(AdoptOn, ReleaseFinishesWhatWasBegun) {
  dir().make_directory("vm/.vcow/g1");
  EXPECT_FALSE(release(guest())) << "prepared, not moved";
  EXPECT_TRUE(is_as_before());
  ASSERT_FALSE(adopt(guest()));
  shell_or_fail("chattr -i " + guest());
  EXPECT_FALSE(release(guest())) << "no longer immutable";
  EXPECT_TRUE(is_as_before());
  ASSERT_FALSE(adopt(guest()));
  shell_or_fail("chattr -i " + guest() + " && rmdir " + guest());
  EXPECT_FALSE(release(guest())) << "the mount point is gone";
  EXPECT_TRUE(is_as_before());
}

TEST_P(AdoptOn, AGuestThatEmptiedItselfIsAdoptedStill) {
  ASSERT_FALSE(adopt(guest()));
  shell_or_fail("rm -r " + (dir() / "vm/.vcow/g1/*"));
  EXPECT_TRUE(place().is_adopted());
  EXPECT_FALSE(adopt(guest()));
  EXPECT_FALSE(release(guest()));
  EXPECT_THAT(dir().names("vm/g1"), IsEmpty());
}

TEST_P(AdoptOn, WhatIsInTheWayIsNotTouched) {
  dir().write("vm/.vcow/g1/foreign", "file");
  shell_or_fail("chmod 700 " + (dir() / "vm/.vcow"));
  EXPECT_THAT(refusal(), HasSubstr("in the way"));
  shell_or_fail("rm -r " + (dir() / "vm/.vcow/g1") + "; touch " + (dir() / "vm/.vcow/g1"));
  EXPECT_THAT(refusal(), HasSubstr("in the way"));
}

TEST_P(AdoptOn, AGuestThatIsLivedInIsRefused) {
  {
    const MountsElsewhere container("true", guest());
    EXPECT_THAT(refusal(), HasSubstr("lives or works in it"));
  }
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(guest() + "/etc");
  EXPECT_THAT(refusal(), HasSubstr("process " + std::to_string(::getpid()) + " lives or works in it"));
  std::filesystem::current_path(here);
  EXPECT_FALSE(adopt(guest()));
}

TEST_P(AdoptOn, AGuestThatIsStartedInTheLastMomentGoesBack) {
  std::optional<MountsElsewhere> container;
  std::optional<Refusal> refused;
  act_before(
      SYS_renameat2, [&] { refused = adopt(guest()); },
      [&](int nth) {
        if (nth == 1) container.emplace("true", guest());
      });
  ASSERT_TRUE(refused);
  EXPECT_THAT(refused->reason, HasSubstr("lives or works in it"));
  EXPECT_TRUE(is_as_before());
}

TEST_P(AdoptOn, WhatIsPutInItsPlaceInTheLastMomentIsNotAdopted) {
  std::optional<Refusal> refused;
  const auto other = guest() + ".other";
  act_before(
      SYS_renameat2, [&] { refused = adopt(guest()); },
      [&](int nth) {
        if (nth == 1) shell_or_fail("mv " + guest() + " " + other + " && mkdir -p " + guest() + "/x");
      });
  ASSERT_TRUE(refused);
  EXPECT_THAT(refused->reason, HasSubstr("was replaced"));
  EXPECT_THAT(dir().names("vm"), ElementsAre("g1", "g1.other"));
  EXPECT_TRUE(dir().exists("vm/g1/x"));
}

TEST_P(AdoptOn, MountsBelowAndOverItAreRefused) {
  dir().make_directory("vm/g1/proc");
  shell_or_fail("mount -t tmpfs none " + (dir() / "vm/g1/proc"));
  EXPECT_THAT(refusal(), HasSubstr("is mounted in it"));
  shell_or_fail("umount " + (dir() / "vm/g1/proc") + " && mount --bind " + guest() + " " + guest());
  EXPECT_THAT(refusal(), HasSubstr("is a mount point"));
  shell_or_fail("umount " + guest());
  EXPECT_FALSE(adopt(guest()));
}

TEST_P(AdoptOn, WhatLiesInAnotherGuestOrHoldsOneIsRefused) {
  ASSERT_FALSE(adopt(guest()));
  const auto inner = adopt(dir() / "vm/.vcow/g1/etc");
  ASSERT_TRUE(inner);
  EXPECT_THAT(inner->reason, HasSubstr("which is ours"));
  const auto outer = adopt(dir() / "vm");
  ASSERT_TRUE(outer);
  EXPECT_THAT(outer->reason, HasSubstr("guests lie beneath it"));
  EXPECT_TRUE(is_adopted());
}

TEST_P(AdoptOn, WhereTheTreeOfAnAdoptedOneLiesIsNothingToAdopt) {
  ASSERT_FALSE(adopt(guest()));
  EXPECT_THAT(adopt(dir() / "vm/.vcow/g1")->reason, HasSubstr("is adopted already"));
  EXPECT_TRUE(is_adopted());
}

TEST_P(AdoptOn, NamesThatAreOursAndEmptyDirectoriesAreRefused) {
  dir().make_directory("vm/.hidden/etc");
  EXPECT_THAT(adopt(dir() / "vm/.hidden")->reason, HasSubstr("begins with a dot"));
  dir().make_directory("vm/empty");
  EXPECT_THAT(adopt(dir() / "vm/empty")->reason, HasSubstr("is empty"));
  EXPECT_THAT(dir().names("vm"), ElementsAre(".hidden", "empty", "g1"));
}

TEST_P(AdoptOn, ADirectoryThatOthersMayWriteToKeepsNoGuest) {
  shell_or_fail("chmod 777 " + (dir() / "vm"));
  EXPECT_THROW(adopt(guest()), std::system_error);
  shell_or_fail("chmod 755 " + (dir() / "vm"));
  EXPECT_TRUE(is_as_before());
}

TEST_P(AdoptOn, WhatCannotBeMovedIsAsItWas) {
  shell_or_fail("chattr +i " + guest());
  EXPECT_THROW(adopt(guest()), std::system_error);
  shell_or_fail("chattr -i " + guest());
  EXPECT_TRUE(is_as_before());
}

TEST_P(AdoptOn, IsNotReleasedWhileAMarkedFileLiesInIt) {
  ASSERT_FALSE(adopt(guest()));
  const Fd file = open_host(dir() / "vm/.vcow/g1/bin/sh", O_RDONLY);
  set_mark(file.get(), {fs_id(file.get()), stat_fd(file.get()).ino});
  EXPECT_THAT(release(guest())->reason, HasSubstr("/bin/sh is shared with other guests: vunify -R"));
  EXPECT_TRUE(is_adopted());
  clear_mark(file.get());
  EXPECT_FALSE(release(guest()));
}

TEST_P(AdoptOn, AVoidMarkHoldsItOnlyWhereOthersHaveTheFile) {
  ASSERT_FALSE(adopt(guest()));
  const Fd file = open_host(dir() / "vm/.vcow/g1/bin/sh", O_RDONLY);
  set_mark(file.get(), {});
  shell_or_fail("ln " + (dir() / "vm/.vcow/g1/bin/sh") + " " + (dir() / "another"));
  EXPECT_THAT(release(guest())->reason, HasSubstr("is shared"));
  shell_or_fail("rm " + (dir() / "another"));
  EXPECT_FALSE(release(guest()));
}

TEST_P(AdoptOn, IsNotReleasedWhileItsRootIsLocked) {
  ASSERT_FALSE(adopt(guest()));
  const Fd daemon = open_host(dir() / "vm/.vcow/g1", O_RDONLY | O_DIRECTORY);
  ASSERT_TRUE(lock_exclusively(daemon.get()));
  EXPECT_THAT(release(guest())->reason, HasSubstr("in use"));
  const auto opened = open_guests({guest()});
  ASSERT_EQ(opened.guests.size(), 1u);
  EXPECT_TRUE(opened.guests[0].is_mounted);
}

TEST_P(AdoptOn, ItsGuestIsKnownByItsNameAndOpenedWhereItLies) {
  ASSERT_FALSE(adopt(guest()));
  const auto opened = open_guests({guest()});
  ASSERT_EQ(opened.guests.size(), 1u);
  EXPECT_EQ(opened.guests[0].path(), guest());
  EXPECT_EQ(opened.guests[0].name, "g1");
  EXPECT_EQ(opened.guests[0].root.host_path(), dir() / "vm/.vcow/g1");
  EXPECT_FALSE(opened.guests[0].is_mounted);
  EXPECT_EQ(open_guests({guest(), dir() / "vm/.vcow/g1"}).refused.size(), 1u) << "named twice";
}

std::atomic<int> asked = 0;
bool ask_for_shared(int dir) {
  const bool had = lock_shared(dir);
  ++asked;
  return had;
}

TEST_P(AdoptOn, ARootThatAVcowLetsGoOfIsWaitedFor) {
  asked = 0;
  Fd daemon = open_host(guest(), O_RDONLY | O_DIRECTORY);
  ASSERT_TRUE(lock_exclusively(daemon.get()));
  std::thread unmounting([&] {
    while (asked == 0) std::this_thread::yield();
    daemon = Fd();
  });
  EXPECT_TRUE(lock_root(open_host(guest(), O_RDONLY | O_DIRECTORY).get(), ask_for_shared));
  unmounting.join();
}

}  // namespace
}  // namespace vunify::test
