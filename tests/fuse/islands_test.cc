// SPDX-License-Identifier: Apache-2.0
// Native islands: what a guest sees past vcow, what never gets there, and how such a mount ends.
#include <dirent.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <csignal>

#include "sys/mount.h"
#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

class Islands : public GuestMount {
 protected:
  void SetUp() override {
    GuestMount::SetUp();
    if (IsSkipped()) return;
    dir().write("guest/srv/data/f", "native\n");
    dir().make_directory("guest/home");
    dir().make_directory("guest/etc");
    watch_other();
  }
  void TearDown() override {
    if (is_shown()) end();
    GuestMount::TearDown();
  }

  Finished show(const std::string& options) {
    watch_other();
    return run({"vcow", "mount", "-o", options, mine("")});
  }
  Finished vcow_umount() const { return run({"vcow", "umount", mine("")}); }
  void end() const {
    EXPECT_TRUE(eventually([&] { return vcow_umount().status == 0; }));
    EXPECT_TRUE(eventually([&] { return daemon_of(mine("")) == 0; }));
  }
  void kill(int signal) const { check(::kill(daemon_of(mine("")), signal), "kill"); }

  // What is mounted in the guest or on it.
  std::vector<std::string> mounted() const {
    std::vector<std::string> points;
    for (const auto& mount : read_mounts())
      if ((mount.point + "/").starts_with(mine(""))) points.push_back(mount.point);
    return points;
  }
  bool is_shown() const { return !mounted().empty(); }
  void expect_refused(const std::string& native, const std::string& why) {
    const auto refused = show(native);
    EXPECT_EQ(refused.status, 3) << refused.err;
    EXPECT_NE(refused.err.find(why), std::string::npos) << refused.err;
    EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << refused.err;
    EXPECT_FALSE(is_shown());
    EXPECT_TRUE(eventually([&] { return daemon_of(mine("")) == 0; }));
  }
  // The mount of vcow once more, without what is mounted on it.
  std::string bind() const {
    dir().make_directory("bound");
    check(::mount(mine("").c_str(), (dir() / "bound").c_str(), nullptr, MS_BIND, nullptr), "mount");
    return dir() / "bound";
  }
  void unbind() const { check(::umount2((dir() / "bound").c_str(), 0), "umount"); }
};

TEST_P(Islands, AreTheGuestsDirectoriesThemselves) {
  const auto before = dir().inode("guest/srv/data/f");
  must(show("native=/srv,/home"));
  EXPECT_EQ(dir().inode("guest/srv/data/f").dev, before.dev);
  EXPECT_EQ(dir().inode("guest/srv/data/f").ino, before.ino);
  EXPECT_NE(dir().inode("guest/etc").dev, before.dev);
  write("srv/new", "written\n");
  end();
  EXPECT_EQ(read("srv/new"), "written\n");
}

TEST_P(Islands, AreNotReachedByLinkOrRename) {
  share("etc/f");
  must(show("native=/srv"));
  EXPECT_EQ(error_of(::link(mine("etc/f").c_str(), mine("srv/f").c_str())), EXDEV);
  EXPECT_EQ(error_of(::rename(mine("etc/f").c_str(), mine("srv/f").c_str())), EXDEV);
  EXPECT_EQ(error_of(::rename(mine("srv/data").c_str(), mine("etc/data").c_str())), EXDEV);
  EXPECT_TRUE(is_shared("etc/f"));
}

TEST_P(Islands, AreRefusedWithAMarkedFile) {
  share("srv/data/a\nname");
  expect_refused("native=/home,/srv", "srv/data/a\\nname");
  share("etc/f");
  must(run({"rm", mine("srv/data/a\nname")}));
  must(show("native=/srv"));
}

// Who changed it natively would change it behind the back of what vcow believes.
TEST_P(Islands, AreRefusedWithAFileThatHasANameElsewhere) {
  check(::link(mine("srv/data/f").c_str(), mine("etc/f").c_str()), "link");
  expect_refused("native=/srv", "srv/data/f");
  check(::rename(mine("etc/f").c_str(), mine("srv/g").c_str()), "rename");
  must(show("native=/srv"));
}

TEST_P(Islands, AreDirectoriesInTheGuest) {
  check(::symlink("srv", mine("link").c_str()), "symlink");
  check(::symlink("/", mine("home/out").c_str()), "symlink");
  expect_refused("native=/link", "link");
  expect_refused("native=/link/data", "link");
  expect_refused("native=/home/out/etc", "home/out");
  expect_refused("native=/absent", "absent");
  expect_refused("native=/home,/srv/data/f", "srv/data/f");
  expect_refused("native=/", "native=/");
  expect_refused("native=/../guest/srv/../..", "native=");
  expect_refused("native=/srv,/srv/data", "one in the other");
}

TEST_P(Islands, AreNamedFromTheGuestsRoot) {
  const auto refused = show("native=srv");
  EXPECT_EQ(refused.status, 2);
  EXPECT_EQ(refused.err, "vcow: -o: native=srv: begins without /\n");
}

TEST_P(Islands, DoNotReachIntoAnotherMount) {
  check(::mount("none", mine("home").c_str(), "tmpfs", 0, nullptr), "mount");
  const auto refused = show("native=/home");
  check(::umount2(mine("home").c_str(), 0), "umount");
  EXPECT_EQ(refused.status, 3);
  EXPECT_NE(refused.err.find("guest/home"), std::string::npos) << refused.err;
  EXPECT_FALSE(is_shown());
}

// Of a guest that is all of its filesystem vcow hides the staging: that one cannot be covered.
TEST_P(Islands, AreAllUndoneWhereOneIsNotPlaced) {
  const LoopFs own("ext4", 32);
  check(::mkdir((own / ".vcow-breaks").c_str(), 0700), "mkdir");
  const auto refused = run({"vcow", "mount", "-o", "native=/lost+found,/.vcow-breaks", own.root(), mine("etc")});
  EXPECT_EQ(refused.status, 3) << refused.err;
  EXPECT_FALSE(is_shown());
  EXPECT_TRUE(eventually([&] { return daemon_of(own.root()) == 0; }));
}

TEST_P(Islands, HaveTheOptionsOfTheMount) {
  must(show("nosuid,native=/srv,/home,noexec,nodev"));
  struct statvfs fs {};
  check(::statvfs(mine("srv").c_str(), &fs), "statvfs");
  EXPECT_EQ(fs.f_flag & (ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_RDONLY), ST_NOSUID | ST_NODEV | ST_NOEXEC);
  end();
  must(show("ro,native=/srv"));
  EXPECT_EQ(error_of(::mkdir(mine("srv/d").c_str(), 0700)), EROFS);
}

TEST_P(Islands, AreEmptyToWhoComesPastThem) {
  share("etc/f");
  must(show("native=/srv"));
  const auto bound = bind();
  EXPECT_TRUE(dir().names("bound/srv").empty());
  EXPECT_EQ(error_of(::open((bound + "/srv/data/f").c_str(), O_RDONLY | O_CLOEXEC)), ENOENT);
  EXPECT_EQ(error_of(::link((bound + "/etc/f").c_str(), (bound + "/srv/f").c_str())), EPERM);
  EXPECT_EQ(error_of(::rename((bound + "/etc/f").c_str(), (bound + "/srv/f").c_str())), EPERM);
  EXPECT_EQ(error_of(::mkdir((bound + "/srv/d").c_str(), 0700)), EPERM);
  EXPECT_EQ(error_of(::open((bound + "/srv/n").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), EPERM);
  EXPECT_EQ(error_of(::open((bound + "/srv").c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600)), EPERM);
  unbind();
}

// Where another mount namespace does not have the island, the kernel lets the name be moved and removed.
TEST_P(Islands, KeepTheirNames) {
  must(show("native=/home,/srv/data"));
  EXPECT_EQ(error_of(::rename(mine("home").c_str(), mine("house").c_str())), EBUSY);
  const auto alone = "unshare -m --propagation private sh -c 'umount " + mine("home") + " && ";
  EXPECT_NE(shell(alone + "rmdir " + mine("home") + "'").err.find("busy"), std::string::npos);
  EXPECT_NE(shell(alone + "mv " + mine("home") + " " + mine("house") + "'").err.find("busy"), std::string::npos);
  check(::rename(mine("srv").c_str(), mine("served").c_str()), "rename");
  EXPECT_EQ(read("served/data/f"), "native\n");
  end();
  EXPECT_EQ(read("served/data/f"), "native\n");
}

TEST_P(Islands, EndWithTheMount) {
  must(show("native=/srv,/home"));
  must(shell("VCOW=vcow umount.fuse.vcow " + mine("") + " -n"));
  EXPECT_FALSE(is_shown());
  EXPECT_TRUE(eventually([&] { return daemon_of(mine("")) == 0; }));
}

// With the helpers where mount(8) and umount(8) look for them.
TEST_P(Islands, AreMountedFromFstabAndEndByUmount) {
  dir().write("fstab", mine("") + " " + mine("") + " fuse.vcow nosuid,native=/srv,/home,nodev 0 0\n");
  must(shell("VCOW=" VUNIFY_BIN_DIR "/vcow unshare -m --propagation private sh -e -c 'mount --bind " VUNIFY_BIN_DIR
             " /usr/sbin; mount -a -T " +
             (dir() / "fstab") + "; findmnt -n -o OPTIONS " + mine("srv") + " | grep -q nosuid; umount " + mine("") +
             "; ! findmnt " + mine("") + "; ! findmnt " + mine("home") + "'"));
  EXPECT_TRUE(eventually([&] { return daemon_of(mine("")) == 0; }));
}

TEST_P(Islands, AreNotTakenFromUnderWhoUsesThem) {
  must(show("native=/srv,/home"));
  const auto before = mounted();
  const Fd in_use = open_host(mine("home"), O_RDONLY | O_DIRECTORY);
  for (const auto* how : {"", "-l "}) EXPECT_EQ(shell("vcow umount " + (how + mine(""))).status, 4);
  EXPECT_EQ(mounted(), before);
}

TEST_P(Islands, AreThereStillWhenTheMountIsBusy) {
  must(show("native=/srv,/home"));
  const auto before = mounted();
  const Fd in_use = open_host(mine("etc"), O_RDONLY | O_DIRECTORY);
  EXPECT_EQ(vcow_umount().status, 4);
  EXPECT_THAT(mounted(), testing::UnorderedElementsAreArray(before));
  EXPECT_EQ(read("srv/data/f"), "native\n");
}

TEST_P(Islands, AreNotTakenByASignalFromUnderWhoUsesThem) {
  watch_other();
  must(run({"vcow", "mount", "-o", "native=/srv", "--log", dir() / "log", mine("")}));
  const Fd in_use = open_host(mine("srv"), O_RDONLY | O_DIRECTORY);
  kill(SIGTERM);
  EXPECT_TRUE(eventually([&] { return dir().read("log").find("srv is native, and in use") != std::string::npos; }));
  EXPECT_EQ(mounted().size(), 2u);
}

TEST_P(Islands, EndByASignal) {
  must(show("native=/srv"));
  kill(SIGTERM);
  EXPECT_TRUE(eventually([&] { return daemon_of(mine("")) == 0; }));
  EXPECT_FALSE(is_shown());
}

TEST_P(Islands, OfADeadDaemonAreMountedAnew) {
  must(show("native=/srv"));
  kill(SIGKILL);
  EXPECT_TRUE(eventually([&] { return daemon_of(mine("")) == 0; }));
  {
    const Fd in_use = open_host(mine("srv"), O_RDONLY | O_DIRECTORY);
    EXPECT_EQ(show("native=/srv").status, 4);
  }
  EXPECT_TRUE(eventually([&] { return show("native=/home").status == 0; }));
  EXPECT_EQ(mounted().size(), 2u);
  EXPECT_EQ(read("srv/data/f"), "native\n");
}

TEST_P(Islands, LeaveNoThreadOutsideTheSandbox) {
  must(show("native=/srv"));
  const auto tasks = "/proc/" + std::to_string(worker_of(mine(""))) + "/task/";
  EXPECT_EQ(shell("grep -hx 'Seccomp:.*[^2]' " + tasks + "*/status").out, "");
  EXPECT_NE(shell("ls " + tasks).out, "");
}

TEST_P(Islands, AreListed) {
  must(show("native=/srv/data/,/home"));
  EXPECT_NE(run({"vcow", "list"}).out.find("native: /srv/data,/home\n"), std::string::npos);
  EXPECT_NE(run({"vcow", "list", "--json"}).out.find(R"("native":["/srv/data","/home"])"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Each, Islands, testing::Values("ext4", "btrfs"), name_of_each);

}  // namespace
}  // namespace vunify::test
