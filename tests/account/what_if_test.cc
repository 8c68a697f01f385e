// SPDX-License-Identifier: Apache-2.0
#include "account/what_if.h"

#include <gtest/gtest.h>

namespace vunify::test {
namespace {

// 1,000 bytes free; 300 in 30 inodes are held, 60 of metadata are not anybody's.
Sample sample() {
  Sample made;
  made.total = 1'360;
  made.used = 363;
  made.available = 1'000;
  made.deleted_open = 3;
  made.holders = {{"web", "w", 1, {.logical = 200, .exclusive = 40, .fair = 120, .inodes = 10, .deunify_need = 160}},
                  {"db", "d", 2, {.logical = 240, .exclusive = 80, .fair = 160, .inodes = 10, .deunify_need = 1'001}},
                  {"(host)", "", {}, {.logical = 20, .exclusive = 20, .fair = 20, .inodes = 10}}};
  return made;
}

TEST(MoreGuests, FitByWhatTheyHaveAlone) {
  const auto more = more_like(sample(), sample().holders[0], 0, 30);
  EXPECT_EQ(more.each.peak, 220u);  // with 2 bytes of metadata for each inode
  EXPECT_EQ(more.each.settled, 60);
  EXPECT_EQ(more.fit_at_peak, 4u);
  EXPECT_EQ(more.fit_when_settled, 16u);
}

TEST(MoreGuests, GrowMeanwhile) {
  const auto more = more_like(sample(), sample().holders[0], 2, 20);
  EXPECT_EQ(more.each.settled, 100);
  EXPECT_EQ(more.fit_when_settled, 10u);
  EXPECT_EQ(more_like(sample(), sample().holders[0], -2, 20).each.settled, 60);
}

// A journal, and what XFS sets aside, lay there before they came.
TEST(MoreGuests, TakeNothingOfWhatAnEmptyFilesystemHas) {
  auto large = sample();
  large.used = 100'000'000;
  EXPECT_EQ(more_like(large, large.holders[0], 0, 0).each.peak, 200u + 10 * 1024);
}

TEST(MoreGuests, DoNotFitWhereNothingIsFree) {
  auto full = sample();
  full.available = 0;
  EXPECT_EQ(more_like(full, full.holders[0], 0, 0).fit_when_settled, 0u);
}

TEST(Upgraded, PackageIsInAllGuestsUntilTheNight) {
  const auto all = upgrade(1'000, 10, 80, 100);
  EXPECT_EQ(all.need.peak, 1'000u);
  EXPECT_EQ(all.need.settled, 20);
  EXPECT_EQ(all.guests_a_round, 10u);
  EXPECT_EQ(upgrade(1'000, 10, 100, 60).need.settled, -40);
}

TEST(Upgraded, PackageThatDoesNotFitGoesInRounds) {
  EXPECT_EQ(upgrade(999, 10, 80, 100).guests_a_round, 8u);  // one copy more lies there from the second round on
  EXPECT_EQ(upgrade(150, 10, 80, 100).guests_a_round, 0u);
  EXPECT_EQ(upgrade(0, 10, 80, 0).guests_a_round, 10u);
}

TEST(Upgraded, SystemTakesWhatIsShared) {
  EXPECT_EQ(upgrade_of_all(sample()).peak, 320u);
  EXPECT_EQ(upgrade_of_all(sample()).settled, 0);
}

TEST(Deunified, NeedsWhatMustBeFree) {
  EXPECT_TRUE(deunified(sample(), sample().holders[0]).fits);
  EXPECT_FALSE(deunified(sample(), sample().holders[1]).fits);
  EXPECT_EQ(deunified(sample(), sample().holders[1]).need, 1'001u);
}

TEST(MovedAway, FreesWhatItHadAlone) {
  const auto moved = moved_away(sample().holders[0]);
  EXPECT_EQ(moved.freed, 40u);
  EXPECT_EQ(moved.there.peak, 200u);
}

}  // namespace
}  // namespace vunify::test
