// SPDX-License-Identifier: Apache-2.0
#include "account/plan.h"

#include <gmock/gmock.h>

namespace vunify::test {
namespace {

constexpr Day first = 20'000;
constexpr std::uint64_t mib = 1 << 20;

HolderSample holder(const std::string& name, std::uint64_t exclusive, const std::string& key) {
  Usage usage;
  usage.logical = 500 * mib;
  usage.exclusive = exclusive;
  usage.fair = 200 * mib;
  return {name, key, std::nullopt, usage};
}

// Of 10 GiB; used grows by 20 MiB a day, web by 10, db not at all.
std::vector<Sample> history(int days) {
  std::vector<Sample> samples;
  for (int i = 0; i < days; ++i) {
    const auto day = static_cast<std::uint64_t>(i), used = (2'000 + 20 * day) * mib;
    samples.push_back(
        {FsId{1, 2, 0}, "/vm", {(first + i) * 86'400, 0}, 11'000 * mib, used, 10'000 * mib - used, 0, {}});
    samples.back().holders = {holder("web", (100 + 10 * day) * mib, "w"), holder("db", 100 * mib, "d"),
                              holder("(host)", 0, "")};
  }
  return samples;
}

TEST(Planned, FilesystemIsFullWhenWhatIsForRootIsLeft) {
  const auto made = plan(history(10), first + 9, 30);
  EXPECT_NEAR(made.full->middle.value(), (10'000 - 2'180) / 20.0, 1e-6);
  EXPECT_NEAR(made.almost_full->middle.value(), (9'500 - 2'180) / 20.0, 1e-6);
  EXPECT_EQ(made.saved.back().bytes, 900.0 * mib);
  EXPECT_EQ(made.upgrade.peak, (500 - 190 + 500 - 100) * mib);
}

TEST(Planned, GuestsGrowByThemselves) {
  const auto made = plan(history(10), first + 9, 30);
  ASSERT_EQ(made.guests.size(), 2u);
  EXPECT_NEAR(made.guests[0].growth.trend->slope, 10.0 * mib, 1);
  EXPECT_FALSE(made.guests[1].growth.trend->is_growing());
  EXPECT_EQ(made.guests[0].more.each.settled, static_cast<std::int64_t>((190 + 30 * 10) * mib));
}

LimitsByXid limit_of_web(std::uint64_t space, Count count = Count::exclusive) {
  Limit limit;
  limit.total.space = space;
  limit.count = count;
  return {{42, limit}};
}

std::vector<Sample> numbered_history() {
  auto samples = history(10);
  for (auto& sample : samples) sample.holders[0].xid = 42;
  return samples;
}

TEST(Planned, GuestOutgrowsItsLimit) {
  const auto made = plan(numbered_history(), first + 9, 30, limit_of_web(490 * mib));
  EXPECT_EQ(made.guests[0].limit, 490 * mib);
  EXPECT_NEAR(made.guests[0].at_limit->middle.value(), 30, 1e-6);
  EXPECT_FALSE(made.guests[1].limit);
  EXPECT_FALSE(made.guests[1].at_limit);
}

TEST(Planned, LimitMayCountAllThatAGuestHas) {
  const auto made = plan(numbered_history(), first + 9, 30, limit_of_web(600 * mib, Count::logical));
  EXPECT_FALSE(made.guests[0].at_limit);  // that does not grow
  EXPECT_EQ(plan(numbered_history(), first + 9, 30, limit_of_web(500 * mib, Count::logical)).guests[0].at_limit->late,
            0);
}

TEST(Planned, LimitAboveTheDiskIsTheDisks) {
  const auto made = plan(numbered_history(), first + 9, 30, limit_of_web(900'000 * mib));
  EXPECT_NEAR(made.guests[0].at_limit->middle.value(), (10'000 - 2'180) / 10.0, 1e-6);
  EXPECT_FALSE(plan(numbered_history(), first + 9, 30, limit_of_web(no_limit)).guests[0].limit);
}

TEST(Planned, FilesystemThatWasResizedCountsAsItIsNow) {
  auto samples = history(10);
  samples.back().total += 1'000 * mib;
  samples.back().available += 1'000 * mib;
  EXPECT_NEAR(plan(samples, first + 9, 30).full->middle.value(), (11'000 - 2'180) / 20.0, 1e-6);
}

TEST(Planned, GuestThatCameYesterdayHasNoTrendYet) {
  auto samples = history(10);
  samples.back().holders.push_back(holder("new", 10 * mib, "n"));
  const auto made = plan(samples, first + 9, 30);
  EXPECT_EQ(made.guests[2].growth.samples, 1u);
  EXPECT_FALSE(made.guests[2].growth.trend);
  EXPECT_TRUE(made.guests[0].growth.trend);
}

TEST(Planned, GuestOfAnOldNameIsAnother) {
  auto samples = history(10);
  samples.back().holders[0].key = "another root";
  EXPECT_EQ(plan(samples, first + 9, 30).guests[0].growth.samples, 1u);
}

TEST(Planned, GuestThatWentIsTold) {
  auto samples = history(10);
  samples.back().holders.erase(samples.back().holders.begin());
  EXPECT_EQ(plan(samples, first + 9, 30).guests.size(), 1u);
}

TEST(Planned, ClockThatWasAheadChangesNothing) {
  auto samples = history(10);
  samples.push_back(samples.back());
  samples.back().taken.sec += std::int64_t{365} * 86'400;
  samples.back().used = 0;
  EXPECT_EQ(plan(samples, first + 9, 30).now.used, 2'180 * mib);
  EXPECT_EQ(plan(history(10), first - 1, 30).now.used, 2'180 * mib);  // all of it is ahead
}

}  // namespace
}  // namespace vunify::test
