// SPDX-License-Identifier: Apache-2.0
// How what is used grows, from what was kept of the days before. The slope is the median of those of all pairs of days
// (Theil, Sen): a day of upgrades, or a tenth of the days, may say what they like. What lies before a step (a clean-up,
// a data set more) says nothing of what comes, and is left out. How sure it is, the slopes of series tell that are made
// anew of the same residuals, moved in blocks, as days of one week are alike.
#pragma once

#include <optional>
#include <vector>

#include "account/day.h"

namespace vunify {

struct Point {
  Day day = 0;
  double bytes = 0;
};

struct Trend {  // bytes a day; 90 of 100 times it lies between low and high
  double slope = 0;
  double low = 0;
  double high = 0;

  bool is_growing() const { return low > 0; }
  bool is_falling() const { return high < 0; }
};

struct Forecast {
  static constexpr std::size_t least_samples = 7;  // for a trend
  static constexpr Day most_days_old = 30;         // the last of them

  std::size_t samples = 0;    // that it was learnt from
  std::optional<Day> step;    // before which all was left out: the first day on the new level
  std::optional<Point> last;  // sample: what is used now, as far as is known
  std::optional<Trend> trend;

  bool is_stale(Day today) const { return last && today - last->day > most_days_old; }
};

// Points in the order of their days, one a day; gaps may be. What is later than today is left out: some clock was
// ahead. No trend where there are too few samples, or none of late.
Forecast forecast(std::vector<Point> points, Day today);

struct DaysLeft {  // from today on
  double early = 0;
  std::optional<double> middle, late;  // nothing: never
};

// When so many bytes will be used. Nothing where there is no trend, or none that leads there.
std::optional<DaysLeft> days_until(const Forecast& forecast, double bytes, Day today);

}  // namespace vunify
