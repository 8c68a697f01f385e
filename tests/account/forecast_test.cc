// SPDX-License-Identifier: Apache-2.0
#include "account/forecast.h"

#include <gmock/gmock.h>

#include <random>

namespace vunify::test {
namespace {

constexpr double a_mib = 1 << 20;
constexpr Day first_day = 20'000;

using Points = std::vector<Point>;

template <typename Bytes>
Points series(int days, Bytes bytes) {
  Points points;
  for (int day = 0; day < days; ++day) points.push_back({first_day + day, bytes(day)});
  return points;
}

double linear(int day) { return (1'000 + 10.0 * day) * a_mib; }

// Within `noise` of a line that grows by 10 MiB a day.
Points noisy(int days, double noise = 15 * a_mib, unsigned seed = 3) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> around(0, noise);
  return series(days, [&](int day) { return linear(day) + around(random); });
}

Forecast of(const Points& points) { return forecast(points, points.empty() ? first_day : points.back().day); }

double slope(const Points& points) { return of(points).trend.value().slope / a_mib; }

TEST(Forecast, SaysNothingBelowSevenSamples) {
  for (const int days : {0, 1, 6}) {
    const auto answer = of(series(days, linear));
    EXPECT_EQ(answer.samples, static_cast<std::size_t>(days));
    EXPECT_FALSE(answer.trend);
    EXPECT_FALSE(days_until(answer, 1e12, first_day));
  }
  EXPECT_TRUE(of(series(7, linear)).trend);
}

TEST(Forecast, TellsALineToTheDay) {
  const auto answer = of(series(7, linear));
  EXPECT_DOUBLE_EQ(answer.trend->slope, 10 * a_mib);
  EXPECT_TRUE(answer.trend->is_growing());
  const auto left = days_until(answer, 1'160 * a_mib, first_day + 6).value();
  EXPECT_NEAR(left.early, 10, 1e-6);
  EXPECT_NEAR(left.middle.value(), 10, 1e-6);
  EXPECT_NEAR(left.late.value(), 10, 1e-6);
  EXPECT_NEAR(days_until(answer, 1'160 * a_mib, first_day + 9)->early, 7, 1e-6);  // three days later
}

TEST(Forecast, OfWhatStaysEqualIsNever) {
  const auto answer = of(series(30, [](int) { return 500 * a_mib; }));
  EXPECT_EQ(answer.trend->slope, 0);
  EXPECT_FALSE(answer.trend->is_growing());
  EXPECT_FALSE(answer.trend->is_falling());
  EXPECT_FALSE(days_until(answer, 501 * a_mib, first_day + 29));
  EXPECT_EQ(days_until(answer, 500 * a_mib, first_day + 29)->early, 0);  // it is full
}

TEST(Forecast, OfWhatFallsIsNever) {
  const auto answer = of(series(30, [](int day) { return 500 * a_mib - linear(day) / 10; }));
  EXPECT_TRUE(answer.trend->is_falling());
  EXPECT_FALSE(days_until(answer, 501 * a_mib, first_day + 29));
}

TEST(Forecast, IsNotSureOfWhatOnlyTrembles) {
  const auto answer = of(series(40, [](int day) { return (500 + day * 29 % 64) * a_mib; }));
  EXPECT_FALSE(answer.trend->is_growing());
  EXPECT_FALSE(answer.trend->is_falling());
  const auto left = days_until(answer, 5'000 * a_mib, first_day + 39).value();
  EXPECT_GT(left.early, 0);
  EXPECT_FALSE(left.late);
}

TEST(Forecast, HoldsTheTrueSlopeBetweenItsBounds) {
  const auto trend = of(noisy(40)).trend.value();
  EXPECT_LT(trend.low, 10 * a_mib);
  EXPECT_GT(trend.high, 10 * a_mib);
  EXPECT_NEAR(trend.slope / a_mib, 10, 1);
  EXPECT_TRUE(trend.is_growing());
}

TEST(Forecast, HoldsItIn9Of10Histories) {
  int held = 0;
  for (unsigned seed = 0; seed < 100; ++seed) {
    const auto trend = of(noisy(10, 15 * a_mib, seed)).trend.value();
    held += trend.low <= 10 * a_mib && trend.high >= 10 * a_mib;
  }
  EXPECT_GE(held, 85);
}

TEST(Forecast, IsTheSameEachTime) {
  const auto a = of(noisy(30)).trend.value(), b = of(noisy(30)).trend.value();
  EXPECT_EQ(std::tie(a.slope, a.low, a.high), std::tie(b.slope, b.low, b.high));
}

TEST(Forecast, IsLedAstrayByNoDayOfUpgrades) {
  auto points = noisy(60, 1 * a_mib);
  for (const std::size_t day : {20, 21, 59}) points[day].bytes *= 2;
  EXPECT_NEAR(slope(points), 10, 0.5);
  EXPECT_FALSE(of(points).step);
}

TEST(Forecast, CallsNoWeekAStep) {
  const auto answer = of(series(60, [](int day) { return linear(day) + (day % 7) * 30 * a_mib; }));
  EXPECT_FALSE(answer.step);
  EXPECT_NEAR(answer.trend->slope / a_mib, 10, 0.5);
}

TEST(Forecast, ForgetsWhatWasBeforeACleanUp) {
  auto points = noisy(60, 1 * a_mib);
  for (std::size_t day = 40; day < 60; ++day) points[day].bytes -= 400 * a_mib;
  const auto answer = of(points);
  EXPECT_EQ(answer.step, first_day + 40);
  EXPECT_EQ(answer.samples, 20u);
  EXPECT_NEAR(answer.trend->slope / a_mib, 10, 0.5);
}

TEST(Forecast, ForgetsTwoStepsOfOneSeries) {
  auto points = noisy(60, 1 * a_mib);
  for (std::size_t day = 20; day < 60; ++day) points[day].bytes += (day < 45 ? 500 : 900) * a_mib;
  EXPECT_EQ(of(points).step, first_day + 45);
  EXPECT_NEAR(slope(points), 10, 0.5);
}

TEST(Forecast, DoesNotBelieveAStepOfTheLastDayYet) {
  auto points = noisy(40, 1 * a_mib);
  points.back().bytes += 1'000 * a_mib;
  EXPECT_FALSE(of(points).step);
  EXPECT_NEAR(slope(points), 10, 0.5);
  EXPECT_EQ(of(points).last->bytes, points.back().bytes);  // though the room left is what it is
}

TEST(Forecast, NeedsNoSampleOfEachDay) {
  auto points = series(200, linear);
  std::erase_if(points, [](const Point& point) { return point.day > first_day + 20 && point.day < first_day + 111; });
  EXPECT_NEAR(slope(points), 10, 1e-6);
  std::erase_if(points, [](const Point& point) { return point.day % 3 != 0; });
  EXPECT_NEAR(slope(points), 10, 1e-6);
}

TEST(Forecast, GoesOnBehindAGapOf90Days) {
  auto points = series(120, linear);
  points.erase(points.begin() + 15, points.begin() + 105);
  EXPECT_NEAR(slope(points), 10, 1e-6);
  EXPECT_FALSE(of(points).step);
}

TEST(Forecast, LeavesOutWhatAClockThatWasAheadLeft) {
  auto points = series(20, linear);
  points.push_back({first_day + 365, 9'999 * a_mib});
  const auto answer = forecast(points, first_day + 19);
  EXPECT_EQ(answer.samples, 20u);
  EXPECT_NEAR(answer.trend->slope / a_mib, 10, 1e-6);
}

TEST(Forecast, OfAnOldHistoryIsNone) {
  const auto points = series(20, linear);
  EXPECT_TRUE(forecast(points, first_day + 19 + 30).trend);
  const auto answer = forecast(points, first_day + 19 + 90);
  EXPECT_FALSE(answer.trend);
  EXPECT_TRUE(answer.is_stale(first_day + 19 + 90));
}

TEST(Forecast, ComesSoonerWhereTheFilesystemShrank) {
  const auto answer = of(series(20, linear));
  const double now = linear(19);
  EXPECT_NEAR(days_until(answer, now + 100 * a_mib, first_day + 19)->middle.value(), 10, 1e-6);
  EXPECT_NEAR(days_until(answer, now + 50 * a_mib, first_day + 19)->middle.value(), 5, 1e-6);
  EXPECT_EQ(days_until(answer, now - 50 * a_mib, first_day + 19)->late, 0);
}

}  // namespace
}  // namespace vunify::test
