// SPDX-License-Identifier: Apache-2.0
// What is to be expected of one filesystem, and of each guest on it, from its history. A guest is known by the key of
// its root: one that was taken away and made anew under the same name has no history yet.
#pragma once

#include <map>
#include <vector>

#include "account/forecast.h"
#include "account/limit.h"
#include "account/sample.h"
#include "account/what_if.h"

namespace vunify {

struct GuestPlan {
  HolderSample now;
  Forecast growth;  // of what it has alone; of all it has where its limit counts that
  MoreGuests more;
  std::optional<std::uint64_t> limit;  // bytes
  std::uint64_t used = 0;              // of it, or of what it would count, in bytes
  std::optional<DaysLeft> at_limit;    // or at the disk's end, where that is nearer
};

struct Plan {
  Sample now;                      // the last sample
  std::vector<Point> used, saved;  // on each day
  Forecast growth;                 // of what is used
  // As df has it: without what is kept for root. A resized filesystem counts as it is now.
  std::optional<DaysLeft> full, almost_full;  // almost: 95 % of that
  Need upgrade;                               // of everything in all guests
  std::vector<GuestPlan> guests;              // in the order of the last sample; "(host)" is none
};

inline constexpr double almost = 0.95;

using LimitsByXid = std::map<std::uint32_t, Limit>;

// Samples of one filesystem, oldest first, one at least; those of days after today are left out, if others are there.
// days: for which guests that are added are to have room to grow.
Plan plan(std::vector<Sample> samples, Day today, unsigned days, const LimitsByXid& limits = {});

std::uint64_t saved_in(const Sample& sample);
// What df calls 100 %.
inline std::uint64_t usable(const Sample& sample) { return sample.used + sample.available; }

}  // namespace vunify
