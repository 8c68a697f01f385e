// SPDX-License-Identifier: Apache-2.0
#include "account/plan.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <map>
#include <string>

namespace vunify {
namespace {

struct Series {
  std::vector<Point> exclusive, logical;
};
using SeriesOfGuests = std::map<std::string, Series>;  // by key_of()

double as_bytes(std::uint64_t bytes) { return static_cast<double>(bytes); }

const std::string& key_of(const HolderSample& holder) { return holder.key.empty() ? holder.name : holder.key; }

void leave_out_future(std::vector<Sample>& samples, Day today) {
  const auto future = std::ranges::find_if(samples, [&](const Sample& sample) { return day_of(sample.taken) > today; });
  if (future != samples.begin()) samples.erase(future, samples.end());
}

SeriesOfGuests series_of_guests(const std::vector<Sample>& samples) {
  SeriesOfGuests series;
  for (const auto& sample : samples)
    for (const auto& holder : sample.holders) {
      auto& of_guest = series[key_of(holder)];
      of_guest.exclusive.push_back({day_of(sample.taken), as_bytes(holder.usage.exclusive)});
      of_guest.logical.push_back({day_of(sample.taken), as_bytes(holder.usage.logical)});
    }
  return series;
}

const Limit* limit_of(const HolderSample& holder, const LimitsByXid& limits) {
  const auto found = holder.xid ? limits.find(*holder.xid) : limits.end();
  return found == limits.end() || found->second.total.space == no_limit ? nullptr : &found->second;
}

GuestPlan plan_guest(const HolderSample& guest, const Sample& now, const Series& series, const Limit* limit, Day today,
                     unsigned days) {
  const bool counts_all = limit != nullptr && limit->count == Count::logical;
  const auto used = counts_all ? guest.usage.logical : guest.usage.exclusive;
  GuestPlan plan{guest, forecast(counts_all ? series.logical : series.exclusive, today), {}, {}, used, {}};
  const auto& trend = plan.growth.trend;
  plan.more = more_like(now, guest, trend ? trend->slope : 0, days);
  if (limit == nullptr) return plan;
  plan.limit = limit->total.space;
  plan.at_limit = days_until(plan.growth, as_bytes(std::min(*plan.limit, used + now.available)), today);
  return plan;
}

std::vector<GuestPlan> plan_guests(const std::vector<Sample>& samples, Day today, unsigned days,
                                   const LimitsByXid& limits) {
  const auto& now = samples.back();
  const auto series = series_of_guests(samples);
  std::vector<GuestPlan> guests;
  for (const auto& holder : now.holders)
    if (holder.name != host_name) guests.push_back({holder, {}, {}, {}, 0, {}});
  tbb::parallel_for(std::size_t{0}, guests.size(), [&](std::size_t i) {
    const auto& guest = guests[i].now;
    guests[i] = plan_guest(guest, now, series.at(key_of(guest)), limit_of(guest, limits), today, days);
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

Plan plan(std::vector<Sample> samples, Day today, unsigned days, const LimitsByXid& limits) {
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
  plan.guests = plan_guests(samples, today, days, limits);
  return plan;
}

}  // namespace vunify
