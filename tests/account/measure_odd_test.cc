// SPDX-License-Identifier: Apache-2.0
// What is measured where filesystems are made otherwise, hold what is seldom, or change meanwhile.
#include <atomic>
#include <filesystem>
#include <thread>

#include "account/find_names.h"
#include "account/take_sample.h"
#include "tests/account/measured.h"
#include "tests/silent_fuse.h"

namespace vunify::test {
namespace {

class MeasureOddOn : public MeasuredOn {};
INSTANTIATE_TEST_SUITE_P(Each, MeasureOddOn, each_filesystem, filesystem_name);
class MeasureOddData : public MeasuredOn {};
INSTANTIATE_TEST_SUITE_P(Each, MeasureOddData, with_reflink, filesystem_name);
class MeasureOddExt4 : public MeasuredOn {};
INSTANTIATE_TEST_SUITE_P(On, MeasureOddExt4, testing::Values("ext4"), filesystem_name);
class MeasureOddXfs : public MeasuredOn {};
INSTANTIATE_TEST_SUITE_P(On, MeasureOddXfs, testing::Values("xfs"), filesystem_name);
class MeasureOddBtrfs : public MeasuredOn {};
INSTANTIATE_TEST_SUITE_P(On, MeasureOddBtrfs, testing::Values("btrfs"), filesystem_name);

TEST_P(MeasureOddOn, WhatIsNotWrittenYetCounts) {
  make_guests({"a"});
  fill("a/f", 64 * KiB);
  EXPECT_EQ(measure_now().holders[0].logical, 64 * KiB + directory_bytes());
}

TEST_P(MeasureOddOn, SmallFileTakesWhatItTakes) {
  make_guests({"a"});
  sh("printf abc > a/f; ln -s target a/s; sync -f .");
  EXPECT_EQ(measure_now().holders[0].logical, (is("btrfs") ? 0
                                               : is("xfs") ? 4 * KiB
                                                           : directory_bytes()) +
                                                  directory_bytes());
}

TEST_P(MeasureOddExt4, SilentFilesystemInAGuestIsNotAsked) {
  make_guests({"a"});
  sh("mkdir a/d");
  fill("a/d/f", 64 * KiB);
  std::optional<SilentFuse> silent(std::in_place, dir() / "a/d", 0);
  EXPECT_EQ(measure_now().holders[0].logical, 64 * KiB + 2 * directory_bytes());
  silent.reset();
}

TEST_P(MeasureOddExt4, GuestMayGoBeforeItIsReported) {
  make_guests({"a", "b"});
  fill("a/f", 8 * KiB);
  sh("ln a/f b/f");
  const auto opened = open();
  const auto& held = opened.filesystems.at(0);
  const auto measured = measure_one(held, {.contents = 1});
  std::filesystem::remove_all(dir() / "a");
  EXPECT_EQ(take_sample(held, measured).holders[0].usage, measured.holders[0]);
  const auto names = find_names(held, {measured.contents.at(0).inode}, Stop());
  EXPECT_EQ(names.begin()->second, std::vector<HeldName>({{1, "f"}}));
}

TEST_P(MeasureOddExt4, GuestMayGoWhileItIsMeasured) {
  make_guests({"a", "b"});
  fill("b/f", 8 * KiB);
  sh("for i in $(seq 200); do mkdir a/$i; echo x > a/$i/f; done");
  const auto opened = open();
  std::thread going([&] { std::filesystem::remove_all(dir() / "a"); });
  const auto measured = measure_one(opened.filesystems.at(0));
  going.join();
  EXPECT_EQ(measured.holders[1].logical, 8 * KiB + directory_bytes_of("b"));
}

// Whoever dedupes moves what lies in one place of the disk to another, while we add up.
TEST_P(MeasureOddData, DedupeByOthersMeanwhileHarmsNothing) {
  make_guests({"a", "b"});
  sh("for i in $(seq 50); do head -c 65536 /dev/zero | tr '\\0' x > a/$i; cp --reflink=never a/$i b/$i; done; sync -f "
     ".");
  std::atomic<bool> is_over = false;
  std::thread dedupe([&] {
    for (int i = 1; i <= 50; ++i) {
      const Fd from = open_host(dir() / ("a/" + std::to_string(i)), O_RDONLY),
               to = open_host(dir() / ("b/" + std::to_string(i)), O_RDWR);
      share_data(from.get(), to.get(), 64 * KiB);
    }
    is_over = true;
  });
  do {
    const auto measured = measure_now();
    for (const auto& usage : measured.holders) {
      EXPECT_LE(usage.exclusive, usage.fair);
      EXPECT_LE(usage.fair, usage.logical);
    }
  } while (!is_over);
  dedupe.join();
  const auto measured = measure_now();
  EXPECT_EQ(measured.holders[0].fair, 50 * 32 * KiB + directory_bytes());
  EXPECT_EQ(measured.holders[1].exclusive, directory_bytes_of("b"));
}

TEST_P(MeasureOddData, SparseToTheEndOfWhatThereCanBe) {
  make_guests({"a"});
  sh("truncate -s 9223372036854775807 a/f");
  EXPECT_EQ(measure_now().holders[0].logical, directory_bytes());
}

TEST_P(MeasureOddExt4, InodeOfTheMostNames) {
  make_guests({"a", "b"});
  fill("a/f", 64 * KiB);
  for (int i = 1; i < 65'000; ++i)
    std::filesystem::create_hard_link(dir() / "a/f", dir() / ((i % 2 ? "b/" : "a/") + std::to_string(i)));
  const auto measured = measure_now();
  EXPECT_EQ(measured.holders[0].fair - directory_bytes_of("a"), 32 * KiB);
  EXPECT_EQ(measured.holders[1].fair - directory_bytes_of("b"), 32 * KiB);
  EXPECT_EQ(measured.holders[1].inodes, 2u);
}

TEST_P(MeasureOddXfs, WhatIsSetAsideForCopiesOnWriteIsNobodys) {
  make_guests({"a", "b"});
  fill("a/q", 128 * KiB);
  sh("sync -f .; cp --reflink=always a/q b/q; dd if=/dev/urandom of=b/q bs=4096 count=1 seek=8 conv=notrunc "
     "status=none");
  const auto at_once = measure_now();
  EXPECT_EQ(at_once.holders[1].logical, 128 * KiB);
  sh("sync -f .; mount -o remount,ro " + fs_.root() + "; mount -o remount,rw " + fs_.root());  // gives it back
  EXPECT_EQ(dir().inode("b/q").bytes_on_disk(), 128 * KiB);
  EXPECT_EQ(measure_now().holders, at_once.holders);
}

TEST_P(MeasureOddBtrfs, SubvolumeInAGuestIsTheGuests) {
  make_guests({"a"});
  sh("btrfs -q subvolume create a/sub; btrfs -q subvolume create a/sub/sub");
  fill("a/f", 16 * KiB);
  sh("sync -f .; cp --reflink=always a/f a/sub/f");
  fill("a/sub/sub/g", 8 * KiB);
  const auto measured = measure_now();
  EXPECT_EQ(measured.holders[0], (Usage{40 * KiB, 24 * KiB, 24 * KiB, 6, 0}));
  sh("btrfs -q subvolume delete a/sub/sub a/sub");
}

// Of which only a subvolume is mounted, as installers do it.
TEST_P(MeasureOddBtrfs, TopLevelNeedNotBeMounted) {
  make_guests({"top"});
  sh("btrfs -q subvolume create vol; mkdir mnt; device=$(findmnt -no SOURCE -T .); sub=$(btrfs subvolume show vol | "
     "head -1);"
     "mkdir -p vol/a vol/b; head -c 65536 /dev/urandom > vol/a/f; sync -f .; cp --reflink=always vol/a/f vol/b/f;"
     "mount -o subvol=$sub $device mnt");
  guests_ = {{.path = dir() / "mnt/a", .name = "a"}, {.path = dir() / "mnt/b", .name = "b"}};
  const auto measured = measure_now();
  EXPECT_EQ(measured.holders[0], (Usage{64 * KiB, 0, 32 * KiB, 2, 0}));
  sh("umount mnt; btrfs -q subvolume delete vol");
}

// Blocks of 1 KiB, clusters of 64, and small files in their inodes.
class MeasureOddBlocks : public testing::TestWithParam<std::pair<std::string, std::uint64_t>> {};
INSTANTIATE_TEST_SUITE_P(Of, MeasureOddBlocks,
                         testing::Values(std::pair("-b 1024", 6 * KiB), std::pair("-O bigalloc -C 65536", 64 * KiB),
                                         std::pair("-O inline_data", 5 * KiB)));

TEST_P(MeasureOddBlocks, AreWhatDfMoves) {
  const LoopFs fs("ext4", 320, "", GetParam().first);
  ASSERT_TRUE(fs.ok()) << fs.reason();
  const Scratch dir({{"a/first", "x"}}, fs.root());
  const auto look = [&] {
    const auto opened = open_holders({{.path = dir / "a", .name = "a"}});
    const auto& held = opened.filesystems.at(0);
    Counters counters;
    const auto sample = take_sample(held, measure(held, {}, Stop(), counters));
    return std::pair(sample.used, sum_of(sample.holders).fair);
  };
  const auto sync = [&] { sync_filesystem(open_host(fs.root(), O_RDONLY).get(), ""); };
  sync();
  const auto before = look();
  dir.write("a/f", std::string(5 * KiB, 'x'));
  dir.write("a/tiny", "x");
  sync();
  const auto after = look();
  EXPECT_EQ(after.first - before.first, after.second - before.second);
  EXPECT_GE(after.second - before.second, GetParam().second);
}

}  // namespace
}  // namespace vunify::test
