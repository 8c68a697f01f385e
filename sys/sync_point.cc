// SPDX-License-Identifier: Apache-2.0
#include "sys/sync_point.h"

#include <chrono>

namespace vunify {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

// Slewing moves the wall clock by half a millisecond a second (adjtimex(2)), ticks are coarse.
constexpr nanoseconds margin = std::chrono::milliseconds(500);

nanoseconds since_zero(Timestamp time) { return seconds(time.sec) + nanoseconds(time.nsec); }

}  // namespace

Clocks read_clocks() { return {clock_coarse(), clock_boot()}; }

bool SyncPoint::covers(Timestamp ctime, const Clocks& now) const {
  const auto on_the_wall = since_zero(now.wall) - since_zero(began_.wall);
  const auto since_boot = since_zero(now.boot) - since_zero(began_.boot);
  return on_the_wall + margin >= since_boot && since_zero(ctime) + margin < since_zero(began_.wall);
}

}  // namespace vunify
