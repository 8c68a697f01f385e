// SPDX-License-Identifier: Apache-2.0
// A guest with a limit of its own: what it may use, where that ends, and that nobody else feels it.
#include <sys/mman.h>
#include <sys/statvfs.h>

#include "tests/fuse/limited_guest.h"

namespace vunify::test {
namespace {

class Limited : public LimitedOn {};

// XFS: but for a block of its own, with which it finds the many pieces of a file that it could not allocate ahead.
TEST_P(LimitedOn, WritesAllOfItAndNotABlockMore) {
  const auto own = GetParam() == std::string("xfs") ? 1 : 0;
  limited_mount({(100 + own) * block, no_limit});
  EXPECT_EQ(write("g", 99 * block), 0);
  EXPECT_EQ(write("g", block, O_APPEND), 0);
  EXPECT_EQ(write("g", (1 + own) * block, O_APPEND), ENOSPC);
  EXPECT_LE(dir_->inode("guest/g").bytes_on_disk(), (100 + own) * block);
  expect_exact();
}

TEST_P(Limited, AByteLessThanABlockIsNone) {
  limited_mount({10 * block - 1, no_limit});
  EXPECT_EQ(write("g", 10 * block), ENOSPC);
  EXPECT_EQ(dir_->inode("guest/g").stamp.size, 9 * block);
}

TEST_P(LimitedOn, BreaksAtExactlyTheLimitAndNotBelow) {
  limited_mount({10 * block, no_limit});
  EXPECT_EQ(write("f", 1, O_APPEND), ENOSPC) << "the copy and one more";
  unmount();
  EXPECT_EQ(dir_->inode("guest/f").nlink, 1u) << "the copy alone fits";
  EXPECT_EQ(dir_->read("other/f"), std::string(10 * block, 'o'));
}

TEST_P(Limited, RefusesABreakThatIsAByteTooLarge) {
  limited_mount({10 * block - 1, no_limit});
  EXPECT_EQ(::chmod(mine("f").c_str(), 0600), -1);
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_EQ(dir_->inode("other/f").nlink, 2u);
  EXPECT_EQ(dir_->read("guest/f"), std::string(10 * block, 'o'));
  expect_exact();
}

TEST_P(Limited, InodesAreCountedWhateverTheyAre) {
  limited_mount({no_limit, 4});
  EXPECT_EQ(::mkdir(mine("d").c_str(), 0755), 0);
  EXPECT_EQ(::symlink("x", mine("l").c_str()), 0);
  EXPECT_EQ(::mkfifo(mine("p").c_str(), 0644), 0);
  EXPECT_EQ(write("g", 0), 0);
  EXPECT_EQ(::mkdir(mine("e").c_str(), 0755), -1);
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_EQ(write("f", 1, O_APPEND), ENOSPC);
  EXPECT_EQ(::rmdir(mine("d").c_str()), 0);
  EXPECT_EQ(write("f", 1, O_APPEND), 0);
  expect_exact();
}

TEST_P(LimitedOn, AtTheLimitWhatTakesNothingWorks) {
  dir_->write("guest/old", std::string(4 * block, 'o'));
  limited_mount({0, 0});
  EXPECT_EQ(write("old", 4 * block, 0), 0) << "in place";
  EXPECT_EQ(::chmod(mine("old").c_str(), 0600), 0);
  EXPECT_EQ(::chown(mine("old").c_str(), 5, 5), 0);
  EXPECT_EQ(::rename(mine("old").c_str(), mine("f").c_str()), 0);
  EXPECT_EQ(::truncate(mine("f").c_str(), block), 0);
  EXPECT_EQ(write("f", 3 * block, O_APPEND), 0);
  EXPECT_EQ(write("f", 1, O_APPEND), ENOSPC);
  EXPECT_EQ(::unlink(mine("f").c_str()), 0);
  EXPECT_EQ(write("new", 4 * block), 0);
  expect_exact();
}

TEST_P(Limited, AFileWithoutANameTakesItsPlaceUntilItIsClosed) {
  limited_mount({100 * block, no_limit});
  {
    const Fd file = open_host(mine("g"), O_RDWR | O_CREAT);
    ASSERT_EQ(write("g", 90 * block, 0), 0);
    ASSERT_EQ(::unlink(mine("g").c_str()), 0);
    EXPECT_EQ(write("h", 20 * block), ENOSPC);
  }
  EXPECT_TRUE(eventually([&] { return write("h", 90 * block) == 0; }));  // close(2) does not wait for RELEASE
  expect_exact();
}

TEST_P(LimitedOn, AllocationIsChargedAndAPunchedHoleGivenBack) {
  limited_mount({100 * block, no_limit});
  ASSERT_EQ(write("g", 0), 0);
  {
    const Fd file = open_host(mine("g"), O_RDWR);
    EXPECT_EQ(::fallocate(file.get(), 0, 0, 101 * block), -1);
    EXPECT_EQ(errno, ENOSPC);
    EXPECT_EQ(::fallocate(file.get(), FALLOC_FL_KEEP_SIZE, 0, 90 * block), 0);
    EXPECT_EQ(::ftruncate(file.get(), 1 << 30), 0) << "a hole takes nothing";
    EXPECT_EQ(::pwrite(file.get(), "x", 1, 5), 1) << "there are blocks";
    EXPECT_EQ(::fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 80 * block), 0);
  }
  EXPECT_EQ(write("h", 70 * block), 0);
  expect_exact();
}

// What is written through a map of a hole is lost to nobody in silence.
TEST_P(Limited, AMapOfAHoleTellsThatThereIsNoRoom) {
  limited_mount({10 * block, no_limit});
  const Fd file = open_host(mine("g"), O_RDWR | O_CREAT);
  ASSERT_EQ(::ftruncate(file.get(), 100 * block), 0);
  void* map = ::mmap(nullptr, 100 * block, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  ASSERT_NE(map, MAP_FAILED);
  for (std::uint64_t at = 0; at < 100; ++at) static_cast<char*>(map)[at * block] = 'x';
  EXPECT_EQ(::msync(map, 100 * block, MS_SYNC), -1);
  EXPECT_EQ(errno, ENOSPC);
  ::munmap(map, 100 * block);
  EXPECT_LE(dir_->inode("guest/g").bytes_on_disk(), 11 * block);
}

TEST_P(LimitedOn, DfShowsTheLimitInside) {
  limited_mount({1000 * block, 50}, 10);
  ASSERT_EQ(write("g", 100 * block), 0);
  struct statvfs fs {};
  const auto bytes = [&](std::uint64_t blocks) { return blocks * fs.f_frsize; };
  const auto free = [&] { return ::statvfs(mine("").c_str(), &fs) == 0 ? bytes(fs.f_bfree) : 0; };
  EXPECT_TRUE(eventually([&] { return free() >= 896 * block; })) << "what was allocated ahead goes at close";
  EXPECT_LE(free(), 900 * block);
  EXPECT_EQ(bytes(fs.f_blocks - fs.f_bfree), counted().space - 10 * block) << "all but what is shared";
  EXPECT_NEAR(static_cast<double>(fs.f_bfree - fs.f_bavail), static_cast<double>(fs.f_blocks) / 10, 1);
  EXPECT_EQ(fs.f_ffree, 49u);
}

TEST_P(Limited, ReservedIsForRootAlone) {
  must(shell("chmod 755 " + dir_->root() + " && chmod 777 " + mine("")));
  limited_mount({100 * block, no_limit}, 50);
  const auto as_user = "setpriv --reuid=1000 --clear-groups dd bs=4k count=99 if=/dev/zero of=" + mine("u");
  EXPECT_NE(shell(as_user).status, 0);
  EXPECT_LE(dir_->inode("guest/u").stamp.size, 51 * block);
  EXPECT_EQ(write("r", 40 * block), 0);
  expect_exact();
}

TEST_P(LimitedOn, IsExactAgainOnceAKilledDaemonsGuestIsMounted) {
  limited_mount({1000 * block, no_limit});
  ASSERT_EQ(write("g", 100 * block), 0);
  kill_daemon();
  mount();
  ASSERT_EQ(write("h", 10 * block), 0);
  expect_exact();
}

TEST_P(Limited, TwoGuestsOfOneNumberShareItToTheLastBlock) {
  dir_->make_directory("second");
  limited_mount({16 * block, no_limit});
  const auto second = *dir_ / "second";
  mount(second);
  must(shell("head -c 4K /dev/zero > " + second + "/g"));
  EXPECT_EQ(write("g", 200 * block), ENOSPC);
  const auto both = dir_->inode("guest/g").stamp.size + dir_->inode("second/g").stamp.size;
  EXPECT_LE(both, 16 * block);
  EXPECT_GT(both + dir_->inode("second").bytes_on_disk(), 15 * block) << "and its root";
  EXPECT_TRUE(eventually([&] { return run({"umount", second}).status == 0; }));
}

TEST_P(Limited, AStoppedDaemonKeepsTheOthersNotLong) {
  dir_->make_directory("second");
  limited_mount({16 * block, no_limit});
  const auto second = *dir_ / "second";
  mount(second);
  must(shell("head -c 4K /dev/zero > " + second + "/g"));
  signal_daemon(SIGSTOP, second);
  EXPECT_EQ(write("g", 200 * block), ENOSPC) << "and not never";
  EXPECT_EQ(::unlink(mine("g").c_str()), 0);
  signal_daemon(SIGCONT, second);
  EXPECT_TRUE(eventually([&] { return run({"umount", second}).status == 0; }));
  expect_exact();
}

TEST_P(Limited, ByLogicalCountASharedFileCountsWholeAndItsBreakCostsNothing) {
  count_ = Count::logical;
  limited_mount({0, 0});
  EXPECT_EQ(write("f", 10 * block, 0), 0);
  EXPECT_EQ(dir_->read("other/f"), std::string(10 * block, 'o'));
  EXPECT_EQ(write("f", 1, O_APPEND), ENOSPC);
  EXPECT_EQ(::unlink(mine("f").c_str()), 0);
  EXPECT_EQ(write("new", 10 * block), 0);
  EXPECT_EQ(write("new", 1, O_APPEND), ENOSPC);
  expect_exact();
}

TEST_P(Limited, AKilledDaemonsNamelessFilesAreToldOf) {
  limited_mount({100 * block, no_limit});
  const Fd file = open_host(mine("g"), O_RDWR | O_CREAT);
  ASSERT_EQ(write("g", 90 * block, 0), 0);
  ASSERT_EQ(::unlink(mine("g").c_str()), 0);
  EXPECT_TRUE(eventually([&] { return account().granted == Amount{}; })) << "it rests";
  kill_daemon();
  EXPECT_FALSE(account().is_settled());
}

TEST_P(Limited, AFileThatWasOpenBeforeTheLimitIsCountedAsItGrows) {
  mount();
  struct statvfs shown {};
  const auto free_bytes = [&] { return ::statvfs(mine("").c_str(), &shown) == 0 ? shown.f_bfree * shown.f_frsize : 0; };
  {
    const Fd file = open_host(mine("g"), O_RDWR | O_CREAT);
    ASSERT_EQ(write("g", 10 * block, 0), 0);
    limit({40 * block, no_limit});  // and what is shared, which a walk of the mount cannot tell
    EXPECT_TRUE(eventually([&] { return free_bytes() <= 50 * block; }));
    ASSERT_EQ(write("g", 40 * block, 0), 0);
    EXPECT_TRUE(eventually([&] { return free_bytes() <= 20 * block; }));
    EXPECT_EQ(write("h", 30 * block), ENOSPC);
  }
  expect_exact();
}

TEST_P(Limited, ALimitThatIsSetLaterHolds) {
  mount();
  ASSERT_EQ(write("g", 100 * block), 0);
  const Amount now{110 * block, no_limit};
  {
    const Ledger ledger(state_dir_, lmdb::Access::write);
    auto change = ledger.change();
    change.put(key_.of, {now, 0, Count::exclusive, 1});
    change.commit();
  }
  struct statvfs shown {};
  const auto is_counted = [&] {
    return ::statvfs(mine("").c_str(), &shown) == 0 && shown.f_bfree * shown.f_frsize < 10 * block;
  };
  EXPECT_TRUE(eventually(is_counted));
  EXPECT_EQ(write("h", 50 * block), ENOSPC);
  expect_exact();
}

INSTANTIATE_TEST_SUITE_P(Ext4, Limited, testing::Values("ext4"), name_of_each);
INSTANTIATE_TEST_SUITE_P(Each, LimitedOn, testing::Values("ext4", "xfs", "btrfs"), name_of_each);

}  // namespace
}  // namespace vunify::test
