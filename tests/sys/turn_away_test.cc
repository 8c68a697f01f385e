// SPDX-License-Identifier: Apache-2.0
// A writer who waits for our lease begins his open(2) again, and meets what his name leads to now.
#include <fcntl.h>

#include <chrono>

#include "sys/fd.h"
#include "sys/lease.h"
#include "sys/mount.h"
#include "sys/root_dir.h"
#include "tests/eventually.h"
#include "tests/many_locks.h"
#include "tests/scanner.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

TEST(TurnAway, HasAWriterLookHisNameUpAgain) {
  const Scratch dir{{"file", "old"}, {"next", "new"}};
  const Fd file = open_host(dir / "file", O_RDONLY);
  auto lease = Lease::take(file.get());
  ASSERT_TRUE(lease && lease->pin());
  shell("printf + >> " + (dir / "file") + " 2>/dev/null &");  // no child of ours: somebody's in a guest
  ASSERT_TRUE(eventually([&] { return !lease->held(); }));
  ASSERT_EQ(::rename((dir / "next").c_str(), (dir / "file").c_str()), 0);
  ASSERT_TRUE(lease->turn_away());
  // Though the lease is still not given up.
  EXPECT_TRUE(eventually([&] { return dir.read("file") == "new+"; })) << dir.read("file");
  EXPECT_EQ(read_all(file.get(), "file"), "old");
}

TEST(TurnAway, SendsAWriterBackToAFileOfHisOwnOnce) {
  const Scratch dir{{"file", "old"}};
  const Fd file = open_host(dir / "file", O_RDONLY);
  auto lease = Lease::take(file.get());
  ASSERT_TRUE(lease && lease->pin());
  shell("printf + >> " + (dir / "file") + " 2>/dev/null &");
  ASSERT_TRUE(eventually([&] { return !lease->held(); }));
  ASSERT_TRUE(lease->turn_away_once());
  lease.reset();
  EXPECT_TRUE(eventually([&] { return dir.read("file") == "old+"; }));
}

TEST(TurnAway, FindsWhoWaitsHoweverManyLocksThereAre) {
  const Scratch dir{{"file", "old"}, {"next", "new"}};
  const Fd file = open_host(dir / "file", O_RDONLY);
  auto lease = Lease::take(file.get());
  ASSERT_TRUE(lease && lease->pin());
  const ManyLocks many(dir / "many");
  shell("printf + >> " + (dir / "file") + " 2>/dev/null &");
  ASSERT_TRUE(eventually([&] { return !lease->held(); }));
  ASSERT_EQ(::rename((dir / "next").c_str(), (dir / "file").c_str()), 0);
  ASSERT_TRUE(lease->turn_away());
  EXPECT_TRUE(eventually([&] { return dir.read("file") == "new+"; })) << dir.read("file");
}

// One who waits elsewhere is not the one who was to be sent, whom a scanner holds.
TEST(TurnAway, TakesNobodyElsesWriterForItsOwnAmongManyLocks) {
  const Scratch dir{{"file", "old"}, {"other", ""}};
  const Fd file = open_host(dir / "file", O_RDONLY), other = open_host(dir / "other", O_RDONLY);
  auto lease = Lease::take(file.get()), others = Lease::take(other.get());
  ASSERT_TRUE(lease && lease->pin() && others && others->pin());
  shell("printf + >> " + (dir / "other") + " 2>/dev/null &");
  ASSERT_TRUE(eventually([&] { return !others->held(); }));
  const ManyLocks many(dir / "many");
  Scanner scanner(dir / "file");
  if (!scanner.works()) GTEST_SKIP() << "no fanotify here";
  scanner.hold_a_writer();
  EXPECT_FALSE(lease->turn_away_once());
  scanner.let_go();
}

// Else he could cost two seconds a file, file by file.
TEST(TurnAway, WaitsSixSecondsInAllForThoseWhoDoNotCome) {
  const Scratch dir{{"file", "old"}};
  const Fd file = open_host(dir / "file", O_RDONLY);
  auto lease = Lease::take(file.get());
  ASSERT_TRUE(lease && lease->pin());
  Scanner scanner(dir / "file");
  if (!scanner.works()) GTEST_SKIP() << "no fanotify here";
  scanner.hold_a_writer();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(lease->turn_away());
  const auto before = std::chrono::steady_clock::now();
  EXPECT_FALSE(lease->turn_away());
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
  scanner.let_go();
}

// On btrfs the inode's device number is the subvolume's, and /proc/locks names the superblock's.
class TurnAwayOn : public OnFilesystem {};
INSTANTIATE_TEST_SUITE_P(Each, TurnAwayOn, each_filesystem, filesystem_name);

TEST_P(TurnAwayOn, FindsWhoWaitsForALeaseInAView) {
  dir().write("file", "old");
  dir().write("next", "new");
  RootDir root(dir().root());
  root.make_view();
  if (!root.has_view()) GTEST_SKIP() << "no views here";
  const Fd file = root.open_to_read("file");
  auto lease = Lease::take(file.get(), mount_of(root.fd()).dev);
  ASSERT_TRUE(lease && lease->pin());
  shell("printf + >> " + (dir() / "file") + " 2>/dev/null &");
  ASSERT_TRUE(eventually([&] { return !lease->held(); }));
  ASSERT_EQ(::rename((dir() / "next").c_str(), (dir() / "file").c_str()), 0);
  ASSERT_TRUE(lease->turn_away());
  EXPECT_TRUE(eventually([&] { return dir().read("file") == "new+"; })) << dir().read("file");
}

TEST(TurnAway, FindsThoseWhoWaitInTheTableOfLocks) {
  const std::string table =
      "1: FLOCK  ADVISORY  WRITE 7 fe:00:1 0 EOF\n"
      "2: LEASE  BREAKING  UNLCK 8 fe:00:2 0 EOF\n"
      "2: -> LEASE  BREAKER   WRITE 9 <none>:0 0 EOF\n"
      "3: LEASE  ACTIVE    READ 8 fe:00:3 0 EOF\n";
  EXPECT_EQ(waiting_in(table, 8, "fe:00:2"), std::vector<int>{9});
  EXPECT_EQ(waiting_in(table, 8, "fe:00:3"), std::vector<int>{});
  EXPECT_EQ(waiting_in(table, 8, "fe:00:4"), std::nullopt);
}

}  // namespace
}  // namespace vunify::test
