// SPDX-License-Identifier: Apache-2.0
// What would be, if: arithmetic on the last sample of one filesystem. Two numbers each: what must be free until guests
// have been unified again, and what is taken then. Bytes; what is free is what those who are not root may take.
#pragma once

#include <cstdint>

#include "account/sample.h"

namespace vunify {

struct Need {
  std::uint64_t peak = 0;    // until the next night
  std::int64_t settled = 0;  // after it; below zero: so much is free then
};

struct MoreGuests {
  Need each;
  std::uint64_t fit_at_peak = 0;       // if they all come in one day, as copies
  std::uint64_t fit_when_settled = 0;  // if they come as clones, or one by one with a night between
};
// Guests like this one, which grow by so many bytes a day, for so many days. Counted with the metadata of their inodes,
// not with what an empty filesystem has.
MoreGuests more_like(const Sample& sample, const HolderSample& like, double growth, unsigned days);

struct Upgrade {
  Need need;                         // all guests at once
  std::uint64_t guests_a_round = 0;  // of which so many may be upgraded at once, with a night between two rounds
};
// A package that takes `before` bytes once, shared, and `after` in each of so many guests until they are unified: the
// old files stay until the last guest has let go of them.
Upgrade upgrade(std::uint64_t available, std::uint64_t guests, std::uint64_t before, std::uint64_t after);
// Everything that guests share is replaced in all of them: the worst that an upgrade of the whole system may be.
Need upgrade_of_all(const Sample& sample);

// vunify -R of it.
struct Deunified {
  std::uint64_t need = 0;
  bool fits = false;
};
Deunified deunified(const Sample& sample, const HolderSample& holder);

// It goes to another host, or for good. What it alone shared with one other is that one's alone from then on.
struct MovedAway {
  std::uint64_t freed = 0;
  Need there;  // settled: if nothing of what it shares here is there, it is the peak
};
MovedAway moved_away(const HolderSample& holder);

}  // namespace vunify
