// SPDX-License-Identifier: Apache-2.0
#include "sys/sync_point.h"

#include <gtest/gtest.h>

namespace vunify::test {
namespace {

constexpr Timestamp at(std::int64_t seconds) { return {seconds, 0}; }
const SyncPoint synced({at(1000), at(10)});
constexpr Clocks later{at(1060), at(70)};

TEST(SyncPoint, CoversWhatWasWrittenBefore) {
  EXPECT_TRUE(synced.covers(at(900), later));
  EXPECT_FALSE(synced.covers(at(1000), later));
  EXPECT_FALSE(synced.covers(at(1030), later));
}

TEST(SyncPoint, CoversNothingBeforeTheFirst) { EXPECT_FALSE(SyncPoint().covers(at(0), later)); }

TEST(SyncPoint, CoversNothingOnceTheClockWasSetBack) {
  EXPECT_FALSE(synced.covers(at(900), {at(990), at(70)})) << "before the sync";
  EXPECT_FALSE(synced.covers(at(900), {at(1050), at(70)})) << "after it";
  EXPECT_TRUE(synced.covers(at(900), {at(1070), at(70)})) << "set forward";
}

TEST(SyncPoint, ReadsClocksThatGoTogether) {
  const SyncPoint now(read_clocks());
  EXPECT_TRUE(now.covers(at(1), read_clocks()));
}

}  // namespace
}  // namespace vunify::test
