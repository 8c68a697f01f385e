// SPDX-License-Identifier: Apache-2.0
#include "survey/scan.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "sys/inode_attr.h"
#include "tests/root_test.h"

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

  File scan() const {
    const auto guests = open_guests({dir_ / "a"}).guests;
    const ExcludeList nothing;
    const auto all = [](const FsId&, const Inode&) { return true; };
    Counters counters;
    return scan_guests(guests, {.exclude = &nothing, .known_shared = all}, Stop(), counters).trees[0].file(0);
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

// Guests a and b, of which "/home" is excluded.
class ScanOfExcludedPlaces : public testing::Test {
 protected:
  Scan scan() const {
    const auto guests = open_guests({dir_ / "a", dir_ / "b"}).guests;
    ExcludeList exclude;
    exclude.add("/home", "test");
    Counters counters;
    return scan_guests(guests, {.exclude = &exclude}, Stop(), counters);
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
