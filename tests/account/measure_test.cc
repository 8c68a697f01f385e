// SPDX-License-Identifier: Apache-2.0
#include "account/measure.h"

#include <map>
#include <random>
#include <set>

#include "sys/btrfs_data.h"
#include "tests/account/measured.h"

namespace vunify::test {
namespace {

class MeasureOn : public MeasuredOn {};
INSTANTIATE_TEST_SUITE_P(Each, MeasureOn, each_filesystem, filesystem_name);
class Measure : public MeasuredOn {};
INSTANTIATE_TEST_SUITE_P(On, Measure, testing::Values("ext4"), filesystem_name);

// Example A of shared/reference/account.md: f1 in a, b and c; f2 in a and b; f3 twice in a; f4 reflinked, or copied
// where there is no such thing; f5 half a hole.
class ExampleAOn : public MeasuredOn {
 protected:
  void SetUp() override {
    MeasuredOn::SetUp();
    if (IsSkipped()) return;
    make_guests({"a", "b", "c"});
    fill("a/f1", 8 * KiB);
    fill("a/f2", 12 * KiB);
    fill("a/f3", 4 * KiB);
    fill("a/f4", 16 * KiB);
    sh("ln a/f1 b/f1; ln a/f1 c/f1; ln a/f2 b/f2; ln a/f3 a/again; cp --reflink=auto a/f4 c/f4");
    sh("truncate -s 4096 c/f5; head -c 4096 /dev/zero | tr '\\0' x >> c/f5; sync -f .");
  }
};
INSTANTIATE_TEST_SUITE_P(Each, ExampleAOn, each_filesystem, filesystem_name);

TEST_P(ExampleAOn, IsAsItWasWorkedOut) {
  const auto own = directory_bytes(), copy = is("ext4") ? 16 * KiB : 0, half = is("ext4") ? 0 : 8 * KiB;
  const auto measured = measure_now();
  const auto &a = measured.holders[0], &b = measured.holders[1], &c = measured.holders[2];
  EXPECT_EQ(a, (Usage{40 * KiB + own, 4 * KiB + copy + own, 2732 + 10 * KiB + copy + half + own, 5, 20 * KiB}));
  EXPECT_EQ(b, (Usage{20 * KiB + own, own, 2730 + 6 * KiB + own, 3, 20 * KiB}));
  EXPECT_EQ(c, (Usage{28 * KiB + own, 4 * KiB + copy + own, 2730 + half + copy + 4 * KiB + own, 4, 8 * KiB}));
  EXPECT_EQ(a.fair + b.fair + c.fair, 44 * KiB + copy + 3 * own);
}

// df of ext4 and XFS counts metadata that is made for them as well; here they make none.
TEST_P(MeasureOn, WhatIsWrittenIsWhatDfMoves) {
  make_guests({"a", "b"});
  const auto used_before = used();
  const auto fair_before = fair_of_all(measure_now());
  fill("a/f", 1024 * KiB);
  fill("b/g", 64 * KiB);
  sh("ln a/f b/f; cp --reflink=auto b/g a/g; ln -s target a/symlink");
  const auto data = [&](std::uint64_t now) { return is("btrfs") ? now / (256 * KiB) : now; };
  EXPECT_EQ(data(used() - used_before), data(fair_of_all(measure_now()) - fair_before));
}

TEST_P(Measure, WhatLiesInNoGuestIsTheHosts) {
  make_guests({"a"});
  fill("a/f", 8 * KiB);
  fill("elsewhere", 16 * KiB);
  sh("ln a/f of_both");
  const auto measured = measure_now();
  ASSERT_EQ(open().filesystems[0].holders.back().name, "(host)");
  EXPECT_EQ(measured.holders[0].fair, 4 * KiB + directory_bytes());
  EXPECT_GE(measured.holders[1].exclusive, 16 * KiB);
  EXPECT_EQ(measured.holders[1].shared(), 8 * KiB);
}

TEST_P(Measure, GuestInAGuestIsCountedOnce) {
  make_guests({"a", "a/inner"});
  fill("a/f", 8 * KiB);
  fill("a/inner/g", 16 * KiB);
  const auto measured = measure_now();
  EXPECT_EQ(measured.holders[0].logical, 8 * KiB + directory_bytes());
  EXPECT_EQ(measured.holders[1].logical, 16 * KiB + directory_bytes());
}

TEST_P(Measure, GuestNamedTwiceIsOne) {
  make_guests({"a"});
  sh("ln -s a same; mkdir bound; mount --bind a bound");
  guests_.push_back({.path = dir() / "same", .name = "same"});
  guests_.push_back({.path = dir() / "bound", .name = "bound"});
  EXPECT_EQ(open().filesystems.at(0).holders.size(), 2u);
  sh("umount bound");
}

TEST_P(Measure, WhatIsBeneathAMountPointIsCounted) {
  make_guests({"a"});
  sh("mkdir a/over");
  fill("a/over/f", 64 * KiB);
  sh("mount -t tmpfs none a/over; head -c 1000000 /dev/zero > a/over/not_ours");
  EXPECT_EQ(measure_now().holders[0].logical, 64 * KiB + 2 * directory_bytes());
  sh("umount a/over");
}

TEST_P(MeasureOn, OfAHoleAndWhatIsSetAsideItIsTheBlocks) {
  make_guests({"a"});
  sh("truncate -s 1T a/hole; touch a/set_aside; fallocate -n -l 65536 a/set_aside");
  EXPECT_EQ(measure_now().holders[0].logical, 64 * KiB + directory_bytes());
}

TEST_P(Measure, ManyHoldersGetEqualShares) {
  std::vector<std::string> names = {"a"};
  for (int i = 1; i < 70; ++i) names.push_back("g" + std::to_string(i));
  make_guests(names);
  fill("a/f", 8 * KiB);
  sh("for g in g*; do ln a/f $g/f; done");
  const auto measured = measure_now();
  EXPECT_EQ(measured.holders[0].fair - directory_bytes(), 8192 / 70 + 8192 % 70);
  EXPECT_EQ(measured.holders[69].fair - directory_bytes(), 8192u / 70);
}

class SharedExtentsOn : public MeasuredOn {};
INSTANTIATE_TEST_SUITE_P(Each, SharedExtentsOn, with_reflink, filesystem_name);

// Example B: of 128 KiB in one extent another guest has rewritten 4.
TEST_P(SharedExtentsOn, BlocksAreTheirHoldersOnXfsAndExtentsOnBtrfs) {
  make_guests({"a", "b"});
  fill("a/q", 128 * KiB);
  sh("sync -f .; cp --reflink=always a/q b/q; dd if=/dev/urandom of=b/q bs=4096 count=1 seek=8 conv=notrunc "
     "status=none");
  const auto measured = measure_now();
  const auto a_has = is("xfs") ? Usage{128 * KiB, 4 * KiB, 66 * KiB, 2, 0} : Usage{128 * KiB, 0, 64 * KiB, 2, 0};
  const auto b_has = is("xfs") ? Usage{128 * KiB, 4 * KiB, 66 * KiB, 2, 0} : Usage{128 * KiB, 4 * KiB, 68 * KiB, 2, 0};
  EXPECT_EQ(measured.holders[0], a_has);
  EXPECT_EQ(measured.holders[1], b_has);
}

TEST_P(SharedExtentsOn, SharedWithinOneGuestIsHisAlone) {
  make_guests({"a"});
  fill("a/f", 64 * KiB);
  sh("sync -f .; cp --reflink=always a/f a/g; xfs_io -c 'reflink a/f 0 65536 65536' a/f >/dev/null");
  EXPECT_EQ(measure_now().holders[0], (Usage{192 * KiB, 64 * KiB, 64 * KiB, 3, 0}));
}

TEST_P(SharedExtentsOn, LinkedAndReflinkedIsOfAllWhoHaveEither) {
  make_guests({"a", "b", "c"});
  fill("a/f", 96 * KiB);
  sh("sync -f .; ln a/f b/f; cp --reflink=always a/f c/f");
  const auto measured = measure_now();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(measured.holders[i].fair, 32 * KiB) << i;
}

// Random files, hard links, reflinks and what is rewritten of them, against each block counted by itself.
class RandomOnXfs : public MeasuredOn {
 protected:
  static constexpr int guests = 3;

  void make_files() {
    make_guests({"a", "b", "c"});
    std::mt19937 random(7);
    std::vector<std::string> files;
    std::string script = "true";
    for (int i = 0; i < 60; ++i) {
      const std::string path = std::string(1, "abc"[random() % guests]) + "/" + std::to_string(i);
      const auto from = files.empty() ? "" : files[random() % files.size()];
      const auto blocks = std::to_string(1 + random() % 8), at = std::to_string(random() % 8);
      const auto rewrite = "; dd if=/dev/urandom of=" + path + " bs=4096 conv=notrunc status=none count=" + blocks;
      const auto kind = files.empty() ? 0 : random() % 4;
      if (kind == 0) script += rewrite;
      if (kind == 1) script += "; ln " + from + " " + path;
      if (kind >= 2) script += "; cp --reflink=always " + from + " " + path;
      if (kind == 3) script += rewrite + " seek=" + at;
      files.push_back(path);
    }
    sh(script + "; sync -f .");
  }

  // Of each block of the disk, who has it.
  std::map<std::uint64_t, std::set<int>> holders_of_blocks() const {
    std::map<std::uint64_t, std::set<int>> holders;
    for (int i = 0; i < guests; ++i)
      for (const auto& leaf : dir().names(guests_[i].name))
        for (const auto& extent : extents_of(reader(guests_[i].name + "/" + leaf).get(), true))
          for (std::uint64_t at = 0; at < extent.length; at += 4 * KiB) holders[extent.physical + at].insert(i);
    return holders;
  }
};
INSTANTIATE_TEST_SUITE_P(On, RandomOnXfs, testing::Values("xfs"), filesystem_name);

TEST_P(RandomOnXfs, EachBlockIsDividedAmongThoseWhoHaveIt) {
  make_files();
  std::vector<std::uint64_t> exclusive, fair;
  std::uint64_t directories = 0;
  for (const auto& guest : guests_) {
    directories += dir().inode(guest.name).bytes_on_disk();
    exclusive.push_back(dir().inode(guest.name).bytes_on_disk());
  }
  fair = exclusive;
  const auto blocks = holders_of_blocks();
  for (const auto& [block, holders] : blocks)
    for (const auto holder : holders) {
      fair[holder] += 4 * KiB / holders.size();
      exclusive[holder] += holders.size() == 1 ? 4 * KiB : 0;
    }
  const auto measured = measure_now();
  std::uint64_t sum = 0;
  for (int i = 0; i < guests; ++i) {
    sum += measured.holders[i].fair;
    EXPECT_EQ(measured.holders[i].exclusive, exclusive[i]);
    EXPECT_NEAR(static_cast<double>(measured.holders[i].fair), static_cast<double>(fair[i]), 2.0 * blocks.size());
    EXPECT_LE(exclusive[i], measured.holders[i].fair);
    EXPECT_LE(measured.holders[i].fair, measured.holders[i].logical);
  }
  EXPECT_EQ(sum, blocks.size() * 4 * KiB + directories);
}

TEST_P(SharedExtentsOn, WhatIsAskedForIsToldPieceByPiece) {
  make_guests({"a", "b"});
  fill("a/q", 128 * KiB);
  sh("sync -f .; cp --reflink=always a/q b/q; dd if=/dev/urandom of=b/q bs=64K count=1 conv=notrunc status=none");
  const auto asked = dir().inode("b/q");
  const auto pieces = measure_now({.asked = {asked.dev, asked.ino}}).asked;
  ASSERT_EQ(pieces.size(), 2u);
  for (const auto& piece : pieces) {
    const bool is_shared = piece.holders.size() == 2;
    EXPECT_EQ(piece.bytes, is_shared && is("btrfs") ? 128 * KiB : 64 * KiB);
  }
}

class MeasureBtrfs : public MeasuredOn {
 protected:
  std::uint64_t data_used() const { return *btrfs_data_used(directory().get()); }
};
INSTANTIATE_TEST_SUITE_P(On, MeasureBtrfs, testing::Values("btrfs"), filesystem_name);

// Example C: half of an extent is rewritten, which nobody uses and nobody can have back.
TEST_P(MeasureBtrfs, WhatNobodyUsesOfAnExtentIsNobodys) {
  make_guests({"a"});
  fill("a/f", 1024 * KiB);
  sh("sync -f .");
  EXPECT_EQ(data_used(), fair_of_all(measure_now()));
  sh("dd if=/dev/urandom of=a/f bs=64K count=8 conv=notrunc status=none; sync -f .");
  EXPECT_EQ(fair_of_all(measure_now()), 1024 * KiB);
  EXPECT_EQ(data_used(), 1024 * KiB + 524288);
}

TEST_P(MeasureBtrfs, CompressedTakesWhatIsStored) {
  make_guests({"a", "b"});
  sh("touch a/f; chattr +c a/f; yes text | head -c 16777216 > a/f; sync -f .; cp --reflink=always a/f b/f");
  const auto measured = measure_now();
  EXPECT_EQ(measured.holders[0].logical, 512 * KiB);
  EXPECT_EQ(measured.holders[0].fair, 256 * KiB);
  EXPECT_EQ(fair_of_all(measured), data_used());
}

TEST_P(MeasureBtrfs, SnapshotOfAGuestSharesWithHim) {
  sh("btrfs -q subvolume create a; head -c 65536 /dev/urandom > a/f; sync -f .; btrfs -q subvolume snapshot a "
     "snapshot");
  guests_.push_back({.path = dir() / "a", .name = "a"});
  const auto measured = measure_now();
  EXPECT_EQ(measured.holders[0], (Usage{64 * KiB, 0, 32 * KiB, 2, 0}));
  EXPECT_EQ(measured.holders[1].fair, 32 * KiB);
  sh("btrfs -q subvolume delete snapshot a");
}

}  // namespace
}  // namespace vunify::test
