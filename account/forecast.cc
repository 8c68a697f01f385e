// SPDX-License-Identifier: Apache-2.0
#include "account/forecast.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <span>

namespace vunify {
namespace {

using Points = std::span<const Point>;

constexpr std::size_t most_samples = 60;  // more make the slope no better, but late to follow
constexpr std::size_t window = 7;         // samples on each side of a step: a week
constexpr double step_in_deviations = 6;  // of a day from the next
constexpr double least_step_bytes = 4096;
constexpr std::size_t rounds = 500;
constexpr double early_share = 0.05, late_share = 0.95;
constexpr std::uint64_t seed = 11;  // the same history is told the same

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

double slope_of(Points points) {
  std::vector<double> slopes;
  slopes.reserve(points.size() * points.size() / 2);
  for (std::size_t i = 0; i < points.size(); ++i)
    for (std::size_t j = i + 1; j < points.size(); ++j)
      slopes.push_back((points[j].bytes - points[i].bytes) / static_cast<double>(points[j].day - points[i].day));
  return median(std::move(slopes));
}

// What is left of them without the slope.
std::vector<double> detrended(Points points, double slope) {
  std::vector<double> rest;
  for (const auto& point : points) rest.push_back(point.bytes - slope * static_cast<double>(point.day));
  return rest;
}

double median_of(std::span<const double> values) { return median({values.begin(), values.end()}); }

// By how much one day is not like the day before.
double usual_difference(std::span<const double> rest) {
  std::vector<double> differences;
  for (std::size_t i = 1; i < rest.size(); ++i) differences.push_back(rest[i] - rest[i - 1]);
  const double usual = median(differences);
  for (auto& difference : differences) difference = std::abs(difference - usual);
  return median(std::move(differences));
}

// Medians do not tell to the day where it is.
std::size_t largest_jump(std::span<const double> rest, std::size_t from, std::size_t to) {
  const auto jump = [&](std::size_t i) { return std::abs(rest[i] - rest[i - 1]); };
  auto largest = from;
  for (auto i = from; i <= to; ++i)
    if (jump(i) > jump(largest)) largest = i;
  return largest;
}

// The first point on the new level. A step of the last days is not believed yet.
std::optional<std::size_t> find_step(Points points) {
  if (points.size() < 2 * window) return std::nullopt;
  const auto values = detrended(points, slope_of(points));
  const std::span<const double> rest(values);
  double largest = 0;
  std::size_t at = 0;
  for (auto i = window; i + window <= rest.size(); ++i) {
    const double difference =
        std::abs(median_of(rest.subspan(i, window)) - median_of(rest.subspan(i - window, window)));
    if (difference > largest) largest = difference, at = i;
  }
  if (largest <= std::max(least_step_bytes, step_in_deviations * usual_difference(rest))) return std::nullopt;
  return largest_jump(rest, at - window / 2, std::min(at + window / 2, rest.size() - window));
}

// Short series would have few blocks, so theirs are short.
std::size_t block_of(std::size_t samples) { return std::min((samples + 3) / 4, window); }

// The line was drawn through what it is measured by, and the more so the longer the blocks: so much wider the interval
// holds the true slope of 84 to 97 of 100 made series (noise, with and without memory of the day before, and weeks).
double widened(std::size_t samples) {
  const auto n = static_cast<double>(samples), block = static_cast<double>(block_of(samples));
  return std::sqrt(n / std::max(block, n - 4 * block));
}

std::vector<double> slopes_made_anew(Points points, double slope) {
  const auto rest = detrended(points, slope);
  const auto block = block_of(points.size());
  std::mt19937_64 random(seed);
  std::vector<Point> made(points.begin(), points.end());
  std::vector<double> slopes;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0, from = 0; i < made.size(); ++i) {
      if (i % block == 0) from = random() % made.size();
      made[i].bytes = slope * static_cast<double>(made[i].day) + rest[(from + i % block) % rest.size()];
    }
    slopes.push_back(slope_of(made));
  }
  std::ranges::sort(slopes);
  return slopes;
}

Trend trend_of(Points points) {
  const double slope = slope_of(points);
  const auto slopes = slopes_made_anew(points, slope);
  const auto at = [&](double share) {
    return slope + widened(points.size()) * (slopes[static_cast<std::size_t>(share * (rounds - 1))] - slope);
  };
  return {slope, std::min(slope, at(early_share)), std::max(slope, at(late_share))};
}

double days_to(double room, double slope, double since) { return std::max(0.0, room / slope - since); }

}  // namespace

Forecast forecast(std::vector<Point> points, Day today) {
  std::erase_if(points, [today](const Point& point) { return point.day > today; });
  Forecast answer;
  if (!points.empty()) answer.last = points.back();
  Points used(points);
  used = used.last(std::min(used.size(), most_samples));
  while (const auto step = find_step(used)) {
    used = used.subspan(*step);
    answer.step = used.front().day;
  }
  answer.samples = used.size();
  if (used.size() >= Forecast::least_samples && !answer.is_stale(today)) answer.trend = trend_of(used);
  return answer;
}

std::optional<DaysLeft> days_until(const Forecast& forecast, double bytes, Day today) {
  if (!forecast.trend) return std::nullopt;
  const double room = bytes - forecast.last->bytes, since = static_cast<double>(today - forecast.last->day);
  if (room <= 0) return DaysLeft{0, 0, 0};
  const auto& [slope, low, high] = *forecast.trend;
  if (high <= 0) return std::nullopt;
  DaysLeft left{days_to(room, high, since), {}, {}};
  if (slope > 0) left.middle = days_to(room, slope, since);
  if (low > 0) left.late = days_to(room, low, since);
  return left;
}

}  // namespace vunify
