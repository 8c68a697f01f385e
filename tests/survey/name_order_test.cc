// SPDX-License-Identifier: Apache-2.0
#include "survey/name_order.h"

#include <gmock/gmock.h>

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Files in memory only: what matters here is their numbers.
class NamesInOrder : public testing::Test {
 protected:
  void add(std::size_t guest, std::uint64_t ino, std::uint64_t size) {
    while (trees_.size() <= guest) trees_.emplace_back();
    File file;
    file.ino = ino;
    file.stamp.size = size;
    const std::string_view leaf = "f";
    trees_[guest].add("", {&file, 1}, {&leaf, 1});
  }

  // "guest:inode" of every name.
  std::vector<std::string> sorted() {
    if (place_.empty()) place_.assign(trees_.size(), 0);
    std::vector<std::string> names;
    for (const auto name : NameOrder(trees_, place_, {}).sorted_names())
      names.push_back(std::to_string(name.guest) + ":" + std::to_string(trees_[name.guest].file(name.file).ino));
    return names;
  }

  Trees trees_;
  std::vector<std::uint32_t> place_;
};

TEST_F(NamesInOrder, PutsTheNamesOfOneInodeTogether) {
  for (const std::size_t guest : {1, 0, 2})
    for (const std::uint64_t ino : {7, 5}) add(guest, ino, 10);
  EXPECT_THAT(sorted(), ElementsAre("0:5", "1:5", "2:5", "0:7", "1:7", "2:7"));
}

TEST_F(NamesInOrder, KeepsInodesApartWhoseNumbersFoldToOne) {
  constexpr std::uint64_t a = 5, b = a + (1 << 24);
  for (const std::size_t guest : {0, 1, 2})
    for (const auto ino : {b, a}) add(guest, ino, 10);
  EXPECT_THAT(sorted(), ElementsAre("0:5", "1:5", "2:5", "0:16777221", "1:16777221", "2:16777221"));
}

TEST_F(NamesInOrder, TakesInodesOfTwoFilesystemsForTwo) {
  for (const std::size_t guest : {0, 1, 2, 3}) add(guest, 5, 10);
  trees_[1].fs.subvolume = trees_[3].fs.subvolume = 256;
  const auto names = sorted();
  EXPECT_TRUE(names == (std::vector<std::string>{"0:5", "2:5", "1:5", "3:5"}) ||
              names == (std::vector<std::string>{"1:5", "3:5", "0:5", "2:5"}));
}

TEST_F(NamesInOrder, PutsGroupsTogetherHoweverManyThereAre) {
  for (std::uint64_t i = 0; i < 20'000; ++i) add(i % 3, i, i % 1'000);
  place_.assign(3, 0);
  const auto names = NameOrder(trees_, place_, {}).sorted_names();
  ASSERT_EQ(names.size(), 20'000u);
  std::set<std::uint64_t> seen;
  std::uint64_t last = ~std::uint64_t{0};
  for (const auto name : names) {
    const auto size = trees_[name.guest].file(name.file).stamp.size;
    EXPECT_TRUE(size == last || seen.insert(size).second) << size;
    last = size;
  }
}

TEST_F(NamesInOrder, LeavesOutWhatIsDecided) {
  add(0, 1, 10);
  add(1, 2, 10);
  add(2, 3, 10);
  place_ = {0, no_place, 0};
  trees_[0].file(0).verdict = Verdict::excluded;
  EXPECT_THAT(sorted(), ElementsAre("2:3"));
  trees_[2].file(0).verdict = Verdict::outside_names;
  EXPECT_THAT(sorted(), ElementsAre("2:3"));
  trees_[2].file(0).verdict = Verdict::empty;
  EXPECT_THAT(sorted(), IsEmpty());
}

}  // namespace
}  // namespace vunify::test
