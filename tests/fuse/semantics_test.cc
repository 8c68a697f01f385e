// SPDX-License-Identifier: Apache-2.0
// Inside, the mount is as the filesystem beneath it: who owns what is made, which bits go with a write, what programs
// do with files.
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <termios.h>

#include "sys/quiet_read.h"
#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

class Semantics : public GuestMount {
 protected:
  Finished as_user(const std::string& script) const {
    return shell("cd " + mine("") + " && setpriv --reuid=1000 --regid=1000 --clear-groups sh -c '" + script + "'");
  }
  std::uint32_t mode_of(const std::string& path) const { return dir().inode("guest/" + path).mode & 07777; }
};

TEST_P(Semantics, WhatIsMadeIsTheCallers) {
  mount();
  check(::chmod(mine("").c_str(), 0777), "chmod");
  must(as_user("umask 027; touch f; mkdir d; ln -s f l; mkfifo p"));
  for (const auto* name : {"f", "d", "l", "p"}) {
    EXPECT_EQ(dir().inode(std::string("guest/") + name).uid, 1000u);
    EXPECT_EQ(dir().inode(std::string("guest/") + name).gid, 1000u);
  }
  EXPECT_EQ(mode_of("f"), 0640u);
  EXPECT_EQ(mode_of("d"), 0750u);
}

TEST_P(Semantics, ADefaultAclStandsForTheUmask) {
  mount();
  must(shell("cd " + mine("") + " && mkdir d && setfacl -d -m u::rwx,g::rwx,o::r d && umask 077 && touch d/f"));
  EXPECT_EQ(mode_of("d/f"), 0664u);
}

TEST_P(Semantics, ASetgidDirectoryGivesItsGroup) {
  mount();
  must(shell("cd " + mine("") + " && mkdir d && chown 0:50 d && chmod 2777 d"));
  must(as_user("touch d/f; mkdir d/e"));
  EXPECT_EQ(dir().inode("guest/d/f").gid, 50u);
  EXPECT_EQ(mode_of("d/e"), 02755u);
}

TEST_P(Semantics, SetuidGoesWhereAUserWritesAndStaysWhereRootDoes) {
  for (const auto* name : {"user", "root"}) share(name);
  must(shell("chmod 6777 " + others("user") + " " + others("root")));
  mount();
  must(as_user("echo more >> user"));
  must(shell("echo more >> " + mine("root")));
  EXPECT_EQ(mode_of("user"), 0777u);
  EXPECT_EQ(mode_of("root"), 06777u);
}

TEST_P(Semantics, SetuidGoesWhereAUserTruncatesAndStaysWhereRootDoes) {
  for (const auto* name : {"user", "root"}) write(name, "old");
  must(shell("chmod 6777 " + mine("user") + " " + mine("root")));
  mount();
  must(as_user("> user"));
  must(shell("> " + mine("root")));
  EXPECT_EQ(mode_of("user"), 0777u);
  EXPECT_EQ(mode_of("root"), 06777u);
}

TEST_P(Semantics, SetgidThatTheGroupCannotExecuteStaysWithItsMembers) {
  for (const auto* name : {"members", "strangers", "roots"}) write(name, "old");
  must(shell("cd " + mine("") +
             " && chown 1000:1000 members && chown 1000:50 strangers && chmod 2766 members strangers roots"));
  mount();
  must(as_user("> members; > strangers; > roots; echo more >> members"));
  EXPECT_EQ(mode_of("members"), 02766u);
  for (const auto* name : {"strangers", "roots"}) EXPECT_EQ(mode_of(name), 0766u);
}

TEST_P(Semantics, CapabilitiesGoWithAnyWrite) {
  share("f");
  must(run({"setcap", "cap_net_raw+ep", others("f")}));
  mount();
  EXPECT_NE(run({"getcap", mine("f")}).out, "");
  must(shell("echo more >> " + mine("f")));
  EXPECT_EQ(run({"getcap", mine("f")}).out, "");
}

TEST_P(Semantics, WhatIsStoredThroughAMapIsSeen) {
  write("f", std::string(4096, 'x'));
  mount();
  const Fd file = open_host(mine("f"), O_RDWR);
  const auto before = stat_fd(file.get()).stamp.mtime;
  auto* map = static_cast<char*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0));
  map[0] = 'y';
  check(::msync(map, 4096, MS_SYNC), "msync");
  EXPECT_GT(stat_fd(file.get()).stamp.mtime, before);
  ::munmap(map, 4096);
  EXPECT_EQ(read("f")[0], 'y');
}

TEST_P(Semantics, FilesAreNoTerminals) {
  write("f", "");
  mount();
  termios settings{};
  EXPECT_EQ(error_of(::ioctl(open_host(mine("f"), O_RDONLY).get(), TCGETS, &settings)), ENOTTY);
}

TEST_P(Semantics, ChattrMovesTheCtimeThatIsSeen) {
  write("f", "");
  mount();
  const auto before = stat_fd(open_host(mine("f"), O_RDONLY).get()).stamp.ctime;
  must(run({"chattr", "+A", mine("f")}));
  EXPECT_GT(stat_fd(open_host(mine("f"), O_RDONLY).get()).stamp.ctime, before);
}

TEST_P(Semantics, HolesAreFoundAndMade) {
  mount();
  const Fd file = open_host(mine("f"), O_RDWR | O_CREAT);
  write_all(file.get(), std::string(16384, 'x'), "f");
  check(::fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 8192), "fallocate");
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_HOLE), 4096);
  EXPECT_EQ(::lseek(file.get(), 4096, SEEK_DATA), 12288);
}

TEST_P(Semantics, AGrownFileHasItsLimit) {
  mount();
  EXPECT_NE(shell("cd " + mine("") + " && ulimit -f 8 && dd if=/dev/zero of=f bs=4k count=8 status=none").status, 0);
  EXPECT_LE(dir().inode("guest/f").stamp.size, 8u * 1024);
}

TEST_P(Semantics, OverlayfsCanBePutOnTop) {
  share("lower/f", "shared\n");
  mount();
  must(shell("cd " + mine("") + " && mkdir upper work merged && mount -t overlay overlay -o " +
             "lowerdir=lower,upperdir=upper,workdir=work merged && echo more >> merged/f && cat merged/f > seen; " +
             "umount merged"));
  EXPECT_EQ(read("seen"), "shared\nmore\n");
  EXPECT_TRUE(is_shared("lower/f"));
}

TEST_P(Semantics, DevicesAndSocketsWork) {
  mount();
  must(shell("cd " + mine("") + " && mknod null c 1 3 && echo x > null && mkfifo p && (echo y > p & cat p)"));
}

// What both read is one inode of the filesystem beneath: in the page cache once. Read by the daemon it is in that of
// the mount as well, and what is read again comes from there.
TEST_P(Semantics, SharedFilesAreCachedOnceWithPassthrough) {
  share("f", std::string(1 << 20, 'x'));
  must(run({"sync", others("f")}));
  mount();
  read("f");
  const Fd native = open_host(others("f"), O_RDONLY);
  forget_pages(native.get());
  read("f");
  if (GetParam() == std::string("nopassthrough"))
    EXPECT_EQ(resident_bytes(native.get()), 0u);
  else
    EXPECT_GE(resident_bytes(native.get()), most_of(1 << 20));
}

INSTANTIATE_TEST_SUITE_P(BothWays, Semantics, everywhere, name_of_each);

}  // namespace
}  // namespace vunify::test
