// SPDX-License-Identifier: Apache-2.0
// A guest with a limit of its own: what it may use, where that ends, and that nobody else feels it.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <map>
#include <memory>
#include <optional>

#include "account/count_tree.h"
#include "account/ledger.h"
#include "guest/mounted.h"
#include "sys/lock_file.h"
#include "sys/mark.h"
#include "tests/eventually.h"
#include "tests/root_test.h"

namespace vunify::test {
namespace {

constexpr std::uint32_t xid = 42;
constexpr std::uint64_t block = 4096;

class LimitedOn : public RootTestOn {
 protected:
  static void TearDownTestSuite() { filesystems_.clear(); }
  void SetUp() override {
    RootTestOn::SetUp();
    if (IsSkipped()) return;
    auto& fs = filesystems_[GetParam()];
    if (!fs) fs = std::make_unique<LoopFs>(GetParam(), std::string(GetParam()) == "ext4" ? 64 : 320);
    if (!fs->ok()) GTEST_SKIP() << fs->reason();
    dir_.emplace(Scratch::Files{{"other/f", std::string(10 * block, 'o')}}, fs->root());
    dir_->make_directory("guest");
    key_ = account_of(open_host(mine(""), O_RDONLY).get(), xid);
    share("f");
  }
  void TearDown() override {
    if (is_mounted_) unmount();
    dir_.reset();
  }

  void share(const std::string& path) const {
    const Fd file = open_host(*dir_ / ("other/" + path), O_RDONLY);
    set_mark(file.get(), {fs_id(file.get()), stat_fd(file.get()).ino});
    check(::link((*dir_ / ("other/" + path)).c_str(), mine(path).c_str()), "link", path);
  }
  // So much more than what the guest has now.
  void limit(const Amount& more, std::uint8_t reserved = 0) {
    auto total = counted();
    total.space = more.space == no_limit ? no_limit : total.space + more.space;
    total.inodes = more.inodes == no_limit ? no_limit : total.inodes + more.inodes;
    const Ledger ledger(state_.root(), lmdb::Access::write);
    auto change = ledger.change();
    change.put(key_.of, {total, reserved, Count::exclusive, 1});
    change.commit();
  }
  void mount() {
    must(run({"vcow", "mount", "--xid", "42", "--state", state_.root(), "--config", state_ / "none", mine("")}));
    is_mounted_ = true;
  }
  void limited_mount(const Amount& more, std::uint8_t reserved = 0) { limit(more, reserved), mount(); }
  void unmount() {
    must(run({"umount", mine("")}));
    expect_daemon_gone();
    is_mounted_ = false;
  }
  void expect_daemon_gone() const {
    EXPECT_TRUE(eventually([&] { return !LockFile::is_taken(lock_path(state_.root(), key_)); }));
  }
  void kill_daemon() const {
    for (const auto& one : list_mounted())
      if (one.mount_point + "/" == mine("")) ::kill(one.process, SIGKILL);
    expect_daemon_gone();
  }
  Account account() const { return Ledger(state_.root(), lmdb::Access::read).read().account(key_).value_or(Account{}); }
  Amount counted() const { return count_tree(RootDir(mine("")), Count::exclusive, {}); }
  // What is kept of it is what a walk finds.
  void expect_exact() {
    unmount();
    const auto is = account();
    EXPECT_EQ(is.used, counted()) << is.used.space << " " << counted().space << ", inodes " << is.used.inodes;
    EXPECT_TRUE(is.is_settled());
    EXPECT_EQ(is.underflows, 0u);
  }

  std::string mine(const std::string& path) const { return *dir_ / ("guest/" + path); }
  // The error, 0 where it went well; a file is left with what fit.
  int write(const std::string& path, std::uint64_t bytes, int flags = O_CREAT | O_TRUNC) const {
    const int file = ::open(mine(path).c_str(), O_WRONLY | O_CLOEXEC | flags, 0644);
    if (file < 0) return errno;
    const Fd closes(file);
    const std::string text(block, 'x');
    for (; bytes > 0; bytes -= std::min(bytes, block))
      if (::write(file, text.data(), std::min(bytes, block)) < 0) return errno;
    return 0;
  }

  static std::map<std::string, std::unique_ptr<LoopFs>> filesystems_;  // by kind, for all tests of a suite
  std::optional<Scratch> dir_;
  const Scratch state_;
  AccountKey key_;
  bool is_mounted_ = false;
};

std::map<std::string, std::unique_ptr<LoopFs>> LimitedOn::filesystems_;

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
  EXPECT_EQ(write("h", 90 * block), 0);
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

// Each may hold up to half of 64 KiB that the other cannot have.
TEST_P(Limited, TwoGuestsOfOneNumberShareIt) {
  dir_->make_directory("second");
  limited_mount({100 * block, no_limit});
  const auto second = *dir_ / "second";
  must(run({"vcow", "mount", "--xid", "42", "--state", state_.root(), "--config", state_ / "none", second}));
  EXPECT_EQ(write("g", 200 * block), ENOSPC);
  EXPECT_NE(shell("head -c 800K /dev/zero > " + second + "/g").status, 0);
  const auto both = dir_->inode("guest/g").stamp.size + dir_->inode("second/g").stamp.size;
  EXPECT_LE(both, 100 * block);
  EXPECT_GE(both, 100 * block - (64 << 10));
  must(run({"umount", second}));
}

TEST_P(Limited, ALimitThatIsSetLaterHolds) {
  mount();
  ASSERT_EQ(write("g", 100 * block), 0);
  const Amount now{110 * block, no_limit};
  {
    const Ledger ledger(state_.root(), lmdb::Access::write);
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
