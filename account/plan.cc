// SPDX-License-Identifier: Apache-2.0
#include "account/plan.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <map>
#include <string>

namespace vunify {
namespace {

using SeriesOfGuests = std::map<std::string, std::vector<Point>>;  // by key_of()

double as_bytes(std::uint64_t bytes) { return static_cast<double>(bytes); }

const std::string& key_of(const HolderSample& holder) { return holder.key.empty() ? holder.name : holder.key; }

void leave_out_future(std::vector<Sample>& samples, Day today) {
  const auto future = std::ranges::find_if(samples, [&](const Sample& sample) { return day_of(sample.taken) > today; });
  if (future != samples.begin()) samples.erase(future, samples.end());
}

SeriesOfGuests series_of_guests(const std::vector<Sample>& samples) {
  SeriesOfGuests series;
  for (const auto& sample : samples)
    for (const auto& holder : sample.holders)
      series[key_of(holder)].push_back({day_of(sample.taken), as_bytes(holder.usage.exclusive)});
  return series;
}

std::vector<GuestPlan> plan_guests(const std::vector<Sample>& samples, Day today, unsigned days) {
  const auto& now = samples.back();
  const auto series = series_of_guests(samples);
  std::vector<GuestPlan> guests;
  for (const auto& holder : now.holders)
    if (holder.name != host_holder) guests.push_back({holder, {}, {}});
  tbb::parallel_for(std::size_t{0}, guests.size(), [&](std::size_t i) {
    guests[i].growth = forecast(series.at(key_of(guests[i].now)), today);
    const auto& trend = guests[i].growth.trend;
    guests[i].more = more_like(now, guests[i].now, trend ? trend->slope : 0, days);
  });
  return guests;
}

}  // namespace

std::uint64_t saved_in(const Sample& sample) {
  std::uint64_t saved = 0;
  for (const auto& [name, key, xid, usage] : sample.holders)
    if (usage.logical > usage.fair) saved += usage.saved();
  return saved;
}

Plan plan(std::vector<Sample> samples, Day today, unsigned days) {
  leave_out_future(samples, today);
  Plan plan;
  for (const auto& sample : samples) {
    plan.used.push_back({day_of(sample.taken), as_bytes(sample.used)});
    plan.saved.push_back({day_of(sample.taken), as_bytes(saved_in(sample))});
  }
  plan.now = samples.back();
  plan.growth = forecast(plan.used, today);
  plan.full = days_until(plan.growth, as_bytes(usable(plan.now)), today);
  plan.almost_full = days_until(plan.growth, almost * as_bytes(usable(plan.now)), today);
  plan.upgrade = upgrade_of_all(plan.now);
  plan.guests = plan_guests(samples, today, days);
  return plan;
}

}  // namespace vunify
