// SPDX-License-Identifier: Apache-2.0
#include "sys/file_locks.h"

#include <sys/file.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sys/lease.h"
#include "sys/mount.h"
#include "tests/many_locks.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

TEST(FileLocks, ReadsTheTable) {
  const auto locks = FileLocks::parse(
      "1: POSIX  ADVISORY  WRITE 699 fe:00:100 0 EOF\n"
      "2: FLOCK  ADVISORY  READ 700 00:1a:200 0 EOF\n"
      "2: -> FLOCK  ADVISORY  WRITE 701 00:1a:300 0 EOF\n"
      "3: LEASE  ACTIVE    READ 702 fe:00:400 0 EOF\n"
      "4: OFDLCK ADVISORY  WRITE -1 103:02:500 0 EOF\n"
      "5: DELEG  ACTIVE    READ 1 fe:00:600 0 EOF\n"
      "garbage\n");
  EXPECT_TRUE(locks.is_locked(makedev(0xfe, 0), 100));
  EXPECT_TRUE(locks.is_locked(makedev(0, 0x1a), 200));
  EXPECT_TRUE(locks.is_locked(makedev(0, 0x1a), 300));
  EXPECT_TRUE(locks.is_locked(makedev(0x103, 2), 500));
  for (std::uint64_t ino : {400, 600}) EXPECT_FALSE(locks.is_locked(makedev(0xfe, 0), ino));
  EXPECT_FALSE(locks.is_locked(makedev(0xfe, 1), 100));
}

TEST(FileLocks, TellTheHolderOfAFlockNotWhoWaitsForIt) {
  const auto locks = FileLocks::parse(
      "1: POSIX  ADVISORY  WRITE 699 fe:00:100 0 EOF\n"
      "2: FLOCK  ADVISORY  WRITE 700 fe:00:200 0 EOF\n"
      "2: -> FLOCK  ADVISORY  WRITE 701 fe:00:200 0 EOF\n"
      "3: -> FLOCK  ADVISORY  WRITE 702 fe:00:300 0 EOF\n");
  EXPECT_EQ(locks.flock_holder(makedev(0xfe, 0), 200), 700);
  for (std::uint64_t ino : {100, 300, 400}) EXPECT_EQ(locks.flock_holder(makedev(0xfe, 0), ino), std::nullopt);
}

class FileLocksOn : public OnFilesystem {
 protected:
  bool is_locked_now(int fd) const { return FileLocks::read().is_locked(mount_of(fd).dev, stat_fd(fd).ino); }
};
INSTANTIATE_TEST_SUITE_P(Each, FileLocksOn, each_filesystem, filesystem_name);

TEST_P(FileLocksOn, AFlockIsSeen) {
  dir().write("file", "");
  const Fd file = reader("file");
  EXPECT_FALSE(is_locked_now(file.get()));
  ASSERT_EQ(::flock(file.get(), LOCK_SH), 0);
  EXPECT_TRUE(is_locked_now(file.get()));
  EXPECT_EQ(FileLocks::read().flock_holder(mount_of(file.get()).dev, stat_fd(file.get()).ino), ::getpid());
}

TEST_P(FileLocksOn, APosixLockIsSeen) {
  dir().write("file", "");
  const Fd file = open_host(dir() / "file", O_RDWR);
  struct flock whole {};
  whole.l_type = F_WRLCK;
  ASSERT_EQ(::fcntl(file.get(), F_SETLK, &whole), 0);
  EXPECT_TRUE(is_locked_now(file.get()));
}

// Asked of the inode itself, by another open file of it.
TEST_P(FileLocksOn, AreSeenAtTheInode) {
  dir().write("file", "x");
  const Fd ours = reader("file"), theirs = open_host(dir() / "file", O_RDWR);
  struct flock one_byte {};
  one_byte.l_type = F_RDLCK;
  one_byte.l_len = 1;
  EXPECT_FALSE(is_locked(ours.get()));
  ASSERT_EQ(::fcntl(theirs.get(), F_OFD_SETLK, &one_byte), 0);
  EXPECT_TRUE(is_locked(ours.get()));
  one_byte.l_type = F_UNLCK;
  ASSERT_EQ(::fcntl(theirs.get(), F_OFD_SETLK, &one_byte), 0);
  ASSERT_EQ(::flock(theirs.get(), LOCK_SH), 0);
  EXPECT_TRUE(is_locked(ours.get()));
  ASSERT_EQ(::flock(theirs.get(), LOCK_UN), 0);
  EXPECT_FALSE(is_locked(ours.get()));
  EXPECT_EQ(::flock(theirs.get(), LOCK_EX | LOCK_NB), 0);  // nothing of ours is left
}

TEST_P(FileLocksOn, OfManyLocksTheFirstAreRead) {
  const ManyLocks many(dir() / "many");
  EXPECT_FALSE(FileLocks::read().is_whole());
  const auto table = read_lock_table(100'000);
  EXPECT_FALSE(table.is_whole);
  EXPECT_LT(table.text.size(), 110'000u);
  EXPECT_EQ(table.text.back(), '\n');
}

TEST_P(FileLocksOn, ALeaseIsNoLock) {
  dir().write("file", "");
  const Fd file = reader("file");
  const auto lease = Lease::take(file.get());
  ASSERT_TRUE(lease);
  EXPECT_FALSE(is_locked_now(file.get()));
}

}  // namespace
}  // namespace vunify::test
