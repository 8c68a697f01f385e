// SPDX-License-Identifier: Apache-2.0
#include "survey/scan.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "tests/root_test.h"
#include "tests/scene.h"

namespace vunify::test {
namespace {

// An immutable file without a mark, which the index takes for a shared one.
class ScanOfWhatWasShared : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    if (IsSkipped()) return;
    change_inode_flags(open_host(dir_ / "a/f", O_RDONLY).get(), FS_IMMUTABLE_FL, 0);
  }

  File scan(bool has_index = true) const {
    const auto guests = open_guests({dir_ / "a"}).guests;
    const auto all = [has_index](const FsId&, const Inode&) { return has_index; };
    Counters counters;
    return scan_guests(guests, {.known_shared = all}, Stop(), counters).trees[0].file(0);
  }

  Scratch dir_{{"a/f", "same"}};
};

TEST_F(ScanOfWhatWasShared, ReadsTheMarkOfALastName) {
  const auto file = scan();
  EXPECT_FALSE(file.marked);
  EXPECT_EQ(file.verdict, Verdict::own_flags);
}

TEST_F(ScanOfWhatWasShared, BelievesTheIndexWhereOtherNamesAreLeft) {
  shell_or_fail("cd " + dir_.root() + " && chattr -i a/f && ln a/f other && chattr +i a/f");
  EXPECT_TRUE(scan().marked);
}

// A mark would push them out, into blocks of their own.
TEST(Scan, LeavesFilesInsideInodesAlone) {
  const LoopFs fs("ext4", 64, "", "-O inline_data -I 256");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir({{"a/f", "tiny"}}, fs.root());
  const auto guests = open_guests({dir / "a"}).guests;
  Counters counters;
  const auto scan = scan_guests(guests, {}, Stop(), counters);
  EXPECT_EQ(scan.trees[0].file(0).verdict, Verdict::not_shareable);
}

// With a mark of another filesystem.
class ScanOfAStaleMark : public ScanOfWhatWasShared {
 protected:
  void SetUp() override {
    ScanOfWhatWasShared::SetUp();
    if (IsSkipped()) return;
    const Fd file = open_host(dir_ / "a/f", O_RDONLY);
    change_inode_flags(file.get(), 0, FS_IMMUTABLE_FL);
    set_mark(file.get(), {{1, 2, 3}, stat_fd(file.get()).ino});
  }
};

TEST_F(ScanOfAStaleMark, TakesWhatIsImmutableForOurs) {
  change_inode_flags(open_host(dir_ / "a/f", O_RDONLY).get(), FS_IMMUTABLE_FL, 0);
  const auto file = scan();
  EXPECT_TRUE(file.stale_mark && file.marked);
  EXPECT_EQ(file.verdict, Verdict::open);
}

TEST_F(ScanOfAStaleMark, TakesWhatIsNotForItsGuests) {
  shell_or_fail("cd " + dir_.root() + " && ln a/f other");
  const auto file = scan(false);
  EXPECT_FALSE(file.stale_mark || file.marked);
}

// Guests a and b, of which "/home" is excluded.
// A directory of that name is none, and excludes nothing.
TEST(Scan, TellsWhatThePackageManagerCallsConfiguration) {
  const Scratch dir{{"a/etc/conf", "same"}, {"a/etc/conf.d/x", "same"}};
  auto guests = open_guests({dir / "a"}).guests;
  guests[0].rules.conffiles = {"/etc/conf", "/etc/conf.d"};
  Counters counters;
  const auto scan = scan_guests(guests, {}, Stop(), counters);
  for (std::uint32_t i = 0; i < 2; ++i)
    EXPECT_EQ(scan.trees[0].file(i).verdict, scan.trees[0].path(i) == "etc/conf" ? Verdict::conffile : Verdict::open);
}

TEST(Scan, LeavesAllOfEtcAloneWhereConfigurationIsNotKnown) {
  const Scratch dir{{"a/etc/any/thing", "same"}};
  auto guests = open_guests({dir / "a"}).guests;
  guests[0].rules.conffiles_unknown = "unreadable";
  Counters counters;
  EXPECT_EQ(scan_guests(guests, {}, Stop(), counters).trees[0].file(0).verdict, Verdict::conffile);
}

class ScanOfExcludedPlaces : public testing::Test {
 protected:
  Scan scan() const {
    auto guests = open_guests({dir_ / "a", dir_ / "b"}).guests;
    Counters counters;
    return scan_guests(excluding("/home", guests), {}, Stop(), counters);
  }
  void link(const std::string& from, const std::string& to) const {
    std::filesystem::create_hard_link(dir_ / from, dir_ / to);
  }
  Scratch dir_{{"a/home/f", "same"}, {"b/home/g", "same"}};
};

TEST_F(ScanOfExcludedPlaces, LooksAtNothingThatOneGuestHasAlone) {
  link("a/home/f", "a/home/again");
  EXPECT_TRUE(scan().trees[0].files().empty());
  EXPECT_EQ(scan().trees[0].excluded_inodes.size(), 2u);
}

TEST_F(ScanOfExcludedPlaces, FindsWhatTwoGuestsHaveThere) {
  link("a/home/f", "b/home/f");
  const auto trees = scan().trees;
  ASSERT_EQ(trees[1].files().size(), 1u);
  EXPECT_EQ(trees[1].path(0), "home/f");
  EXPECT_EQ(trees[1].file(0).verdict, Verdict::excluded);
  EXPECT_EQ(trees[1].file(0).nlink, 2u);
}

TEST_F(ScanOfExcludedPlaces, FindsOtherNamesOfWhatLiesElsewhere) {
  link("a/home/f", "b/f");
  const auto trees = scan().trees;
  ASSERT_EQ(trees[0].files().size(), 1u);
  EXPECT_EQ(trees[0].path(0), "home/f");
}

}  // namespace
}  // namespace vunify::test
