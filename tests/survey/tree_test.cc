// SPDX-License-Identifier: Apache-2.0
#include "survey/tree.h"

#include <gtest/gtest.h>

#include "sys/root_dir.h"

namespace vunify::test {
namespace {

// Adds a directory of `count` files whose inode numbers go on from those before.
std::vector<std::string> add(Tree& tree, const std::string& directory, int count) {
  std::vector<std::string> names;
  std::vector<File> files(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    names.push_back(std::string(static_cast<std::size_t>(i % 200), 'x') + std::to_string(i));
    files[static_cast<std::size_t>(i)].ino = tree.files().size() + static_cast<std::size_t>(i);
  }
  const std::vector<std::string_view> leaves(names.begin(), names.end());
  tree.add(directory, files, leaves);
  for (auto& name : names) name = join_path(directory, name);
  return names;
}

TEST(Tree, KnowsThePathOfEveryFile) {
  Tree tree;
  std::vector<std::string> paths;
  for (const int count : {3, 1, 15, 16, 17, 0, 5000, 2, 40})
    for (auto& path : add(tree, count == 3 ? "" : "d" + std::to_string(count), count)) paths.push_back(path);
  ASSERT_EQ(tree.files().size(), paths.size());
  for (std::uint32_t i = 0; i < paths.size(); ++i) {
    EXPECT_EQ(tree.path(i), paths[i]);
    EXPECT_EQ(tree.file(i).ino, i);
  }
}

TEST(Tree, GoesThroughItsFilesInOrder) {
  Tree tree;
  add(tree, "d", 3000);
  std::uint64_t next = 0;
  for (const auto& file : tree.files()) EXPECT_EQ(file.ino, next++);
  EXPECT_EQ(next, 3000u);
}

TEST(File, KeepsWhatAStatTold) {
  Inode inode;
  inode.ino = ~std::uint64_t{0};
  inode.blocks = (std::uint64_t{1} << 40) + 8;
  inode.mode = 0104755;
  inode.stamp = {5, {-1, 999'999'999}, {4'000'000'000, 1}};
  const File file(inode);
  EXPECT_EQ(file.bytes_on_disk(), inode.bytes_on_disk());
  EXPECT_EQ(file.mode, 04755);
  EXPECT_EQ(file.stamp.full(), inode.stamp);
}

Inode some_inode() {
  Inode inode;
  inode.ino = 7;
  inode.mode = 0100644;
  inode.nlink = 2;
  inode.stamp = {5, {1, 2}, {3, 4}};
  return inode;
}

TEST(File, IsStillWhatItWasWhileNothingOfItMoves) {
  const File file(some_inode());
  for (const bool shared : {false, true}) {
    EXPECT_TRUE(file.is_still(some_inode(), shared));
    for (const auto change : {+[](Inode& now) { now.mode = 0040644; }, +[](Inode& now) { ++now.ino; },
                              +[](Inode& now) { ++now.stamp.size; }, +[](Inode& now) { ++now.stamp.mtime.nsec; }}) {
      auto now = some_inode();
      change(now);
      EXPECT_FALSE(file.is_still(now, shared));
    }
  }
}

TEST(File, IsStillWhatItWasWhereAnotherGuestRemovedItsNameIfItIsShared) {
  const File file(some_inode());
  for (const auto change : {+[](Inode& now) { --now.nlink; }, +[](Inode& now) { ++now.stamp.ctime.nsec; }}) {
    auto now = some_inode();
    change(now);
    EXPECT_TRUE(file.is_still(now, true));
    EXPECT_FALSE(file.is_still(now, false));
  }
}

TEST(ShortTime, ComparesTimesOfAnyYear) {
  const Timestamp far{std::int64_t{1} << 60, 3};
  EXPECT_EQ(ShortTime(far), far);
  EXPECT_NE(ShortTime(far), (Timestamp{far.sec + 1, 3}));
  EXPECT_NE(ShortTime(far), (Timestamp{far.sec, 4}));
}

}  // namespace
}  // namespace vunify::test
