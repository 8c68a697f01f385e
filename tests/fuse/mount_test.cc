// SPDX-License-Identifier: Apache-2.0
// How a mount begins and ends.
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <csignal>

#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

class MountVcow : public GuestMount {
 protected:
  // Who looks at all mounts at this moment is in this one (vcow list, in a test beside).
  static void unmount_at(const std::string& point) {
    EXPECT_TRUE(eventually([&] { return ::umount2(point.c_str(), 0) == 0; }));
  }
};

TEST_P(MountVcow, ShowsTheGuestElsewhere) {
  share("f", "shared\n");
  mount();
  unmount();
  dir().make_directory("elsewhere");
  must(run({"vcow", "mount", mine(""), dir() / "elsewhere"}));
  dir().write("elsewhere/f", "new\n");
  unmount_at(dir() / "elsewhere");
  EXPECT_EQ(read("f"), "new\n");
  EXPECT_TRUE(eventually([&] { return !dir().exists(".vcow-breaks"); }));
}

TEST_P(MountVcow, IsRefusedOnceItIsMounted) {
  mount();
  const auto again = run({"vcow", "mount", mine("")});
  EXPECT_EQ(again.status, 4);
  EXPECT_NE(again.err.find("is mounted with vcow"), std::string::npos) << again.err;
}

TEST_P(MountVcow, OfWhatIsNotThereIsRefusedInOneLine) {
  mount();
  const auto refused = run({"vcow", "mount", dir() / "nobody"});
  EXPECT_EQ(refused.status, 3);
  EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << refused.err;
  EXPECT_EQ(run({"vcow", "mount", "-o", "nosuchoption", mine("")}).status, 2);
}

// With the helper where mount(8) looks for it.
TEST_P(MountVcow, IsMadeReadOnlyAndWritableAgainByMount) {
  mount();
  const auto remount = [&](const std::string& how) {
    return shell("unshare -m --propagation private sh -e -c 'mount --bind " VUNIFY_BIN_DIR
                 " /usr/sbin; mount -o remount," +
                 how + " " + mine("") + "'");
  };
  must(remount("ro"));
  EXPECT_EQ(error_of(::mkdir(mine("d").c_str(), 0700)), EROFS);
  must(remount("rw"));
  EXPECT_EQ(error_of(::mkdir(mine("d").c_str(), 0700)), 0);
}

TEST_P(MountVcow, MovesNoAtimeWhereItIsToldNotTo) {
  write("f", "content");
  must(run({"touch", "-a", "-d", "2019-01-01", mine("f")}));
  const auto atime_after_reading = [&](const std::string& option) {
    must(run({"vcow", "mount", "-o", option + ",relatime", mine("")}));
    read("f");
    struct stat st {};
    check(::stat(mine("f").c_str(), &st), "stat");
    unmount_at(mine(""));
    EXPECT_TRUE(eventually([&] { return daemon_of(mine("")) == 0; }));
    return st.st_atime;
  };
  constexpr time_t in_2020 = 1577836800;
  EXPECT_LT(atime_after_reading("noatime"), in_2020);
  EXPECT_GT(atime_after_reading("strictatime"), in_2020);
}

TEST_P(MountVcow, FindsAnAdoptedGuest) {
  share("f", "shared\n");
  mount();
  unmount();
  must(run({"vcow", "adopt", "--state", dir() / "state", mine("")}));
  EXPECT_TRUE(dir().names("guest").empty());
  must(shell("cd " + dir().root() + " && vcow mount guest"));
  write("f", "new\n");
  EXPECT_EQ(read("f"), "new\n");
  EXPECT_NE(run({"vcow", "list"}).out.find(dir() / "guest"), std::string::npos);
  unmount_at(mine(""));
  EXPECT_TRUE(eventually([&] { return run({"vcow", "release", "--state", dir() / "state", mine("")}).status == 0; }));
  EXPECT_EQ(read("f"), "new\n");
}

TEST_P(MountVcow, OfADeadDaemonIsMountedAnew) {
  share("f", "shared\n");
  mount();
  const Fd open = open_host(mine("f"), O_RDONLY);
  check(::kill(daemon_of(mine("")), SIGKILL), "kill");
  struct statfs fs {};
  EXPECT_TRUE(eventually([&] { return ::statfs(mine("f").c_str(), &fs) != 0 && errno == ENOTCONN; }));
  mount();
  write("f", "new\n");
  EXPECT_EQ(read("f"), "new\n");
}

TEST_P(MountVcow, SweepsWhatAKilledBreakLeft) {
  share("f", "shared\n");
  const auto staging = ".vcow-breaks/" + std::to_string(dir().inode("guest").ino) + "/";
  dir().write(staging + "x", "half a copy");
  const auto copy = dir().inode(staging + "x").ino;
  check(::rename((dir() / (staging + "x")).c_str(), (dir() / (staging + std::to_string(copy))).c_str()), "rename");
  check(::link(others("f").c_str(), (dir() / (staging + "1")).c_str()), "link");
  dir().write(staging + "2", "somebody's");
  mount();
  EXPECT_EQ(dir().names(staging), std::vector<std::string>{"2"});
  EXPECT_TRUE(is_shared("f"));
  check(::unlink((dir() / (staging + "2")).c_str()), "unlink");
}

TEST_P(MountVcow, OfAWholeFilesystemHidesItsStaging) {
  mount();
  const LoopFs own("ext4", 32);
  dir().make_directory("elsewhere");
  must(run({"vcow", "mount", own.root(), dir() / "elsewhere"}));
  EXPECT_EQ(dir().names("elsewhere"), std::vector<std::string>{"lost+found"});
  EXPECT_EQ(error_of(::mkdir((dir() / "elsewhere/.vcow-breaks").c_str(), 0700)), EPERM);
  EXPECT_EQ(error_of(::open((dir() / "elsewhere/.vcow-breaks").c_str(), O_RDONLY | O_CLOEXEC)), ENOENT);
  unmount_at(dir() / "elsewhere");
}

TEST_P(MountVcow, EndsByASignal) {
  mount();
  check(::kill(daemon_of(mine("")), SIGTERM), "kill");
  expect_ended();
  mount();
}

INSTANTIATE_TEST_SUITE_P(BothWays, MountVcow, both_ways, name_of_each);

}  // namespace
}  // namespace vunify::test
