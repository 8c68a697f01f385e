// SPDX-License-Identifier: Apache-2.0
// What limits a guest natively limits it here: the blocks that are root's, the size of a file, the ids of a namespace,
// the flags of a mount that are set later.
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "sys/mark.h"
#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

constexpr auto as_user = "setpriv --reuid=1000 --regid=1000 --clear-groups ";

class Limits : public GuestMount {
 protected:
  Finished in_guest(const std::string& script) const { return shell("cd " + mine("") + " && " + script); }
  void remount(unsigned long flags) const {
    check(::mount(nullptr, mine("").c_str(), nullptr, MS_REMOUNT | flags, nullptr), "mount", mine(""));
  }
  std::string out_of_user(const std::string& script) const { return in_guest(as_user + script).out; }
};

TEST_P(Limits, LeaveRootItsReserve) {
  const LoopFs own("ext4", 64, "", "-m 25");
  const auto guest = own / "guest";
  must(shell("mkdir -m 777 " + guest + " && head -c 4M /dev/zero > " + guest + "/f && chmod 666 " + guest + "/f"));
  {
    const Fd file = open_host(guest + "/f", O_RDONLY);
    set_mark(file.get(), {fs_id(file.get()), stat_fd(file.get()).ino});
  }
  must(run({"vcow", "mount", "-o", GetParam() == std::string("nopassthrough") ? GetParam() : "rw", guest}));
  EXPECT_NE(shell(as_user + std::string("dd if=/dev/zero bs=64k of=") + guest + "/mine").status, 0);
  EXPECT_NE(shell(as_user + std::string("sh -c ': >> ") + guest + "/f'").status, 0) << "copied on root's account";
  struct statvfs fs {};
  check(::statvfs(own.root().c_str(), &fs), "statvfs");
  EXPECT_LT(fs.f_bavail, 256u);
  EXPECT_GT(fs.f_bfree, fs.f_blocks / 5);
  EXPECT_TRUE(eventually([&] { return run({"umount", guest}).status == 0; }));
  EXPECT_TRUE(eventually([&] { return daemon_of(guest) == 0; }));
}

TEST_P(Limits, OfAFilesSizeEndItsWriter) {
  share("f", std::string(20'000, 'x'));
  mount();
  constexpr auto signalled = 128 + 25;  // SIGXFSZ
  EXPECT_EQ(in_guest("bash -c 'ulimit -f 8; exec head -c 100000 /dev/zero > g'").status, signalled);
  const auto told = in_guest("bash -c 'trap \"\" XFSZ; ulimit -f 8; exec head -c 100000 /dev/zero > h'");
  EXPECT_NE(told.err.find("File too large"), std::string::npos) << told.err;
  EXPECT_NE(in_guest("bash -c 'trap \"\" XFSZ; ulimit -f 8; echo more >> f'").status, 0);
  EXPECT_EQ(dir().inode("guest/g").stamp.size, 8192u);
  EXPECT_EQ(dir().inode("guest/h").stamp.size, 8192u);
  EXPECT_EQ(read("f"), std::string(20'000, 'x'));
}

// Root of a user namespace is who made it.
TEST_P(Limits, OfAUserNamespaceHold) {
  for (const auto* name : {"own", "roots"}) share(name);
  must(run({"chown", "1000:1000", others("own")}));
  mount();
  check(::chmod(mine("").c_str(), 0777), "chmod");
  const std::string in_namespace = std::string(as_user) + "unshare -Ur sh -c ";
  must(in_guest(in_namespace + "'[ $(id -u) = 0 ] && echo more >> own && chmod 600 own && echo new > new'"));
  EXPECT_NE(in_guest(in_namespace + "'echo more >> roots'").status, 0);
  EXPECT_NE(in_guest(in_namespace + "'chown 5 own'").status, 0);
  EXPECT_EQ(read("own"), "shared\nmore\n");
  EXPECT_EQ(dir().inode("guest/new").uid, 1000u);
  EXPECT_TRUE(is_shared("roots"));
}

TEST_P(Limits, OfAMountThatIsMadeReadOnlyHold) {
  share("f", "shared\n");
  mount();
  remount(MS_RDONLY);
  EXPECT_EQ(error_of(::open(mine("f").c_str(), O_WRONLY | O_CLOEXEC)), EROFS);
  EXPECT_EQ(error_of(::chmod(mine("f").c_str(), 0600)), EROFS);
  EXPECT_EQ(error_of(::unlink(mine("f").c_str())), EROFS);
  EXPECT_EQ(read("f"), "shared\n");
  EXPECT_TRUE(is_shared("f"));
  remount(0);
  write("f", "mine\n");
  EXPECT_EQ(read("f"), "mine\n");
}

TEST_P(Limits, OfAMountThatGetsThemLaterHold) {
  share("id", "");
  must(shell("cp /usr/bin/id " + others("id") + " && chmod 4755 " + others("id")));
  mount();
  must(in_guest("mknod -m 666 null c 1 3 && : > null"));
  EXPECT_EQ(out_of_user("./id -u"), "0\n");
  remount(MS_BIND | MS_NOSUID | MS_NODEV);
  EXPECT_EQ(out_of_user("./id -u"), "1000\n");
  EXPECT_EQ(error_of(::open(mine("null").c_str(), O_WRONLY | O_CLOEXEC)), EACCES);
  remount(MS_BIND | MS_NOEXEC);
  EXPECT_NE(in_guest("./id").status, 0);
  EXPECT_TRUE(is_shared("id"));
}

INSTANTIATE_TEST_SUITE_P(BothWays, Limits, everywhere, name_of_each);

}  // namespace
}  // namespace vunify::test
