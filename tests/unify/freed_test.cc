// SPDX-License-Identifier: Apache-2.0
#include "unify/freed.h"

#include <gmock/gmock.h>

namespace vunify::test {
namespace {

using testing::ElementsAre;

TEST(FreedBy, IsWhatEachLiesOnAlone) {
  const OnDisk keeper{8}, one{8}, other{16};
  EXPECT_THAT(freed_by({&one, &other}, {&keeper}), ElementsAre(8, 16));
  EXPECT_THAT(freed_by({}, {&keeper}), ElementsAre());
}

TEST(FreedBy, IsNotWhatSomebodyWhoStaysLiesOn) {
  const OnDisk keeper{0, {{100, 200}}}, one{5, {{100, 200}}}, other{0, {{150, 300}}};
  EXPECT_THAT(freed_by({&one, &other}, {&keeper}), ElementsAre(5, 0));
}

TEST(FreedBy, IsOnceWhatSeveralOfThoseThatGoLieOn) {
  const OnDisk keeper{8}, one{0, {{100, 200}}}, two{0, {{100, 200}}}, three{1, {{150, 200}, {900, 950}}};
  EXPECT_THAT(freed_by({&one, &two, &three}, {&keeper}), ElementsAre(0, 0, 101));
}

TEST(FreedBy, IsNotWhatOneAloneOfThemSharesWithOthers) {
  const OnDisk one{0, {{100, 200}}}, two{0, {{200, 300}}};
  EXPECT_THAT(freed_by({&one, &two}, {}), ElementsAre(0, 0));
}

}  // namespace
}  // namespace vunify::test
