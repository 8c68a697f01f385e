// SPDX-License-Identifier: Apache-2.0
// Where a guest on a mount of vcow may notice that it is not on ext4: docs/differences.md, whose other lines have their
// tests where the subject is.
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <csignal>

#include "sys/clone.h"
#include "sys/inode_attr.h"
#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

constexpr auto shared_line = "shared\n";
constexpr long fuse_super_magic = 0x65735546;  // linux/magic.h

struct FileHandle : file_handle {
  unsigned char bytes[MAX_HANDLE_SZ];
};

FileHandle handle_of(const std::string& path) {
  FileHandle handle{};
  handle.handle_bytes = sizeof handle.bytes;
  int mount = 0;
  check(::name_to_handle_at(AT_FDCWD, path.c_str(), &handle, &mount, 0), "name_to_handle_at", path);
  return handle;
}

int open_handle_error(const std::string& on, FileHandle handle, int flags) {
  const Fd mount = open_host(on, O_RDONLY | O_DIRECTORY);
  const int file = ::open_by_handle_at(mount.get(), &handle, flags | O_CLOEXEC);
  const int error = error_of(file);
  const Fd closed(file);
  return error;
}

class Differences : public GuestMount {
 protected:
  // A file of the guest's own that can be looked at beneath the mount as well.
  std::string beneath(const std::string& path) const {
    check(::link(mine(path).c_str(), (dir() / "beneath").c_str()), "link", path);
    return dir() / "beneath";
  }
};

TEST_P(Differences, AMapOfAReaderKeepsTheOldBytes) {
  share("f", shared_line);
  mount();
  const Fd reader = open_host(mine("f"), O_RDONLY);
  auto* map = static_cast<char*>(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, reader.get(), 0));
  write("f", "new\n");
  EXPECT_EQ(std::string(map, 7), shared_line);
  ::munmap(map, 4096);
}

TEST_P(Differences, LocksDoNotSpanABreak) {
  share("f");
  mount();
  const Fd reader = open_host(mine("f"), O_RDONLY);
  check(::flock(reader.get(), LOCK_EX | LOCK_NB), "flock");
  const Fd writer = open_host(mine("f"), O_RDWR);
  EXPECT_EQ(error_of(::flock(writer.get(), LOCK_EX | LOCK_NB)), 0);
  struct flock whole {};
  whole.l_type = F_RDLCK;
  check(::fcntl(reader.get(), F_OFD_SETLK, &whole), "F_OFD_SETLK");
  whole.l_type = F_WRLCK;
  EXPECT_EQ(error_of(::fcntl(writer.get(), F_OFD_SETLK, &whole)), 0);
  EXPECT_EQ(error_of(::flock(open_host(mine("f"), O_RDONLY).get(), LOCK_EX | LOCK_NB)), EWOULDBLOCK);
}

TEST_P(Differences, AFileWhoseLinkWasBrokenHasAnotherNumberAfterTheNextMount) {
  share("f");
  mount();
  const auto before = dir().inode("guest/f").ino;
  write("f", "new\n");
  EXPECT_EQ(dir().inode("guest/f").ino, before);
  unmount();
  mount();
  EXPECT_NE(dir().inode("guest/f").ino, before);
}

TEST_P(Differences, AHandleIsStaleWhileSomebodyReadsTheOldBytes) {
  share("f");
  mount();
  const auto handle = handle_of(mine("f"));
  EXPECT_EQ(open_handle_error(mine(""), handle, O_RDONLY), 0);
  const Fd reader = open_host(mine("f"), O_RDONLY);
  write("f", "new\n");
  EXPECT_EQ(open_handle_error(mine(""), handle, O_RDWR), ESTALE);
}

TEST_P(Differences, HandlesEndWithTheMount) {
  write("f", "");
  mount();
  const auto handle = handle_of(mine("f"));
  unmount();
  mount();
  EXPECT_EQ(open_handle_error(mine(""), handle, O_RDONLY), ESTALE);
}

// A remount drops what the kernel has of names, and with them of files.
TEST_P(Differences, HandlesEndOnceTheKernelForgetsTheFile) {
  write("f", "");
  mount();
  const auto handle = handle_of(mine("f"));
  check(::mount(nullptr, mine("").c_str(), nullptr, MS_REMOUNT, nullptr), "mount");
  // The daemon hears of it a moment later.
  EXPECT_TRUE(eventually([&] { return open_handle_error(mine(""), handle, O_RDONLY) == ESTALE; }));
}

TEST_P(Differences, StatxTellsNoFlags) {
  write("f", "");
  mount();
  must(run({"chattr", "+d", mine("f")}));
  struct statx st {};
  check(::statx(AT_FDCWD, mine("f").c_str(), 0, STATX_BASIC_STATS, &st), "statx");
  EXPECT_EQ(st.stx_attributes & STATX_ATTR_NODUMP, 0u);
}

TEST_P(Differences, ASharedFileInAnAppendOnlyDirectoryIsNotWritten) {
  share("d/f", shared_line);
  watch_other();
  mount();
  must(run({"chattr", "+a", mine("d")}));
  EXPECT_EQ(error_of(::open(mine("d/f").c_str(), O_WRONLY)), EPERM);
  must(run({"chattr", "-a", mine("d")}));
  write("d/f", "mine");
}

TEST_P(Differences, WhereTheDataLiesIsNotTold) {
  write("f", shared_line);
  mount();
  try {
    extents_of(open_host(mine("f"), O_RDONLY).get());
    ADD_FAILURE() << "it was";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EOPNOTSUPP);
  }
}

TEST_P(Differences, DataIsNotCloned) {
  write("f", shared_line);
  mount();
  const Fd from = open_host(mine("f"), O_RDONLY), to = open_host(mine("g"), O_RDWR | O_CREAT);
  EXPECT_EQ(error_of(::ioctl(to.get(), FICLONE, from.get())), EOPNOTSUPP);
  must(run({"cp", "--reflink=auto", mine("f"), mine("g")}));
  EXPECT_EQ(read("g"), shared_line);
}

TEST_P(Differences, RangesAreNeitherCutOutNorInserted) {
  write("f", std::string(16384, 'x'));
  mount();
  const Fd file = open_host(mine("f"), O_RDWR);
  EXPECT_EQ(error_of(::fallocate(file.get(), FALLOC_FL_COLLAPSE_RANGE, 4096, 4096)), EOPNOTSUPP);
  EXPECT_EQ(error_of(::fallocate(file.get(), FALLOC_FL_INSERT_RANGE, 4096, 4096)), EOPNOTSUPP);
}

TEST_P(Differences, NothingIsSwappedTo) {
  mount();
  must(shell("dd if=/dev/zero of=" + mine("swap") + " bs=64k count=16 status=none && chmod 600 " + mine("swap")));
  must(run({"mkswap", "-q", mine("swap")}));
  EXPECT_NE(run({"swapon", mine("swap")}).status, 0);
}

TEST_P(Differences, LeasesAreBrokenByWhoOpensOnThisMountAlone) {
  write("f", shared_line);
  const auto native = beneath("f");
  mount();
  const Fd leased = open_host(mine("f"), O_RDONLY);
  check(::fcntl(leased.get(), F_SETLEASE, F_RDLCK), "F_SETLEASE");
  const auto before = std::signal(SIGIO, SIG_IGN);  // tells that it is being broken
  const Fd writer(::open(native.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  EXPECT_GE(writer.get(), 0);
  EXPECT_EQ(error_of(::open(mine("f").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)), EWOULDBLOCK);
  std::signal(SIGIO, before);
}

TEST_P(Differences, OfWhatIsAskedByIoctlOnlyFlagsAndProjectAreKnown) {
  write("f", shared_line);
  mount();
  const Fd file = open_host(mine("f"), O_RDONLY);
  int version = 0, flags = 0;
  EXPECT_EQ(error_of(::ioctl(file.get(), FS_IOC_GETVERSION, &version)), ENOTTY);
  EXPECT_EQ(error_of(::ioctl(file.get(), FS_IOC_GETFLAGS, &flags)), 0);
}

TEST_P(Differences, OfQuotasTheKernelTellsNothing) {
  mount();
  const Fd root = open_host(mine(""), O_RDONLY);
  dqblk quota{};
  EXPECT_EQ(error_of(::syscall(SYS_quotactl_fd, root.get(), QCMD(Q_GETQUOTA, USRQUOTA), 0, &quota)), ENOSYS);
}

TEST_P(Differences, SyncfsDoesNotReachTheFilesystemBeneath) {
  write("f", "");
  const auto native = beneath("f");
  mount();
  const Fd file = open_host(mine("f"), O_WRONLY | O_APPEND);
  write_all(file.get(), std::string(65536, 'x'), "f");
  EXPECT_EQ(error_of(::syncfs(file.get())), 0);
  const auto waits = [&] { return extents_of(open_host(native, O_RDONLY).get()).back().delayed; };
  EXPECT_TRUE(waits());
  check(::fsync(file.get()), "fsync");
  EXPECT_FALSE(waits());
}

TEST_P(Differences, WhatChangesNothingMovesNoCtime) {
  share("f");
  mount();
  const auto before = dir().inode("guest/f").stamp.ctime;
  check(::chmod(mine("f").c_str(), 0644), "chmod");
  check(::chown(mine("f").c_str(), 0, 0), "chown");
  EXPECT_EQ(dir().inode("guest/f").stamp.ctime, before);
  EXPECT_TRUE(is_shared("f"));
}

TEST_P(Differences, ReadingASharedFileMovesNoAtime) {
  share("f", shared_line);
  must(run({"touch", "-a", "-d", "2019-01-01", others("f")}));
  mount();
  read("f");
  struct stat st {};
  check(::stat(mine("f").c_str(), &st), "stat");
  EXPECT_LT(st.st_atime, 1577836800) << "2020";
}

TEST_P(Differences, ReadingAgainWithoutPassthroughMovesNoAtime) {
  write("f", shared_line);
  must(run({"vcow", "mount", "-o", "nopassthrough,strictatime", mine("")}));
  read("f");
  must(run({"touch", "-a", "-d", "2019-01-01", mine("f")}));
  read("f");
  struct stat st {};
  check(::stat(mine("f").c_str(), &st), "stat");
  EXPECT_LT(st.st_atime, 1577836800) << "2020";
  EXPECT_TRUE(eventually([&] { return ::umount2(mine("").c_str(), 0) == 0; }));
  EXPECT_TRUE(eventually([&] { return daemon_of(mine("")) == 0; }));
}

TEST_P(Differences, TheKindOfTheFilesystemIsFuse) {
  mount();
  struct statfs fs {};
  check(::statfs(mine("").c_str(), &fs), "statfs");
  EXPECT_EQ(fs.f_type, fuse_super_magic);
}

INSTANTIATE_TEST_SUITE_P(BothWays, Differences, both_ways, name_of_each);

}  // namespace
}  // namespace vunify::test
