// SPDX-License-Identifier: Apache-2.0
#include "hashindex/rank.h"

#include <gmock/gmock.h>

#include <numeric>

namespace vunify::test {
namespace {

using testing::ElementsAre;
using Parts = std::vector<std::vector<std::uint32_t>>;

// An inode for each entry, private, with a name in each of these guests; those in two guests or more are shared.
Candidates inodes_in(const std::vector<std::vector<std::uint32_t>>& guests_of_inodes) {
  Candidates found;
  for (const auto& guests : guests_of_inodes) {
    found.inodes.push_back({static_cast<std::uint32_t>(found.names.size()), static_cast<std::uint32_t>(guests.size()),
                            guests.size() > 1, true});
    for (const auto guest : guests) found.names.push_back({guest, 0});
  }
  return found;
}

Parts parts(const std::vector<std::vector<std::uint32_t>>& guests_of_inodes, std::size_t max_open) {
  std::vector<std::uint32_t> all(guests_of_inodes.size());
  std::iota(all.begin(), all.end(), 0U);
  return parts_by_rank(inodes_in(guests_of_inodes), all, max_open);
}

TEST(PartsByRank, ArePutTogetherWhereTheyFit) {
  EXPECT_THAT(parts({{0}, {0}, {1}, {1}}, 4), ElementsAre(ElementsAre(0, 2, 1, 3)));
}

TEST(PartsByRank, AreCutBetweenRanks) {
  EXPECT_THAT(parts({{0}, {0}, {1}, {1}}, 3), ElementsAre(ElementsAre(0, 2), ElementsAre(1, 3)));
}

TEST(PartsByRank, GoInRoundsWithTheKeeperWhereOneRankIsTooLarge) {
  EXPECT_THAT(parts({{0}, {1}, {2}, {3}, {4}}, 3), ElementsAre(ElementsAre(0, 1, 2), ElementsAre(0, 3, 4)));
}

TEST(PartsByRank, BeginWithTheSharedInode) {
  EXPECT_THAT(parts({{0}, {1}, {2}, {3, 4}}, 3), ElementsAre(ElementsAre(3, 0, 1), ElementsAre(3, 2)));
}

TEST(PartsByRank, HoldEveryInode) {
  std::vector<std::vector<std::uint32_t>> guests;
  for (std::uint32_t i = 0; i < 100; ++i) guests.push_back({i * i % 7});
  std::vector<bool> seen(guests.size());
  for (const auto& part : parts(guests, 5)) {
    EXPECT_LE(part.size(), 5u);
    for (const auto inode : part) seen[inode] = true;
  }
  EXPECT_THAT(seen, testing::Each(true));
}

}  // namespace
}  // namespace vunify::test
