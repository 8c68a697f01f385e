// SPDX-License-Identifier: Apache-2.0
// Where a guest would find most of its files: the sketch of one guest against those of whole hosts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "account/day.h"
#include "account/sketch.h"
#include "fleet/database.h"

namespace vunify {

struct FleetGuest {
  std::string host, guest;
};
// Which of the fleet a name means, that may be more than one's.
std::vector<FleetGuest> find_guests(Database& database, const std::string& guest);

struct Fit {
  std::string host;
  Day day = 0;                          // its sketch is of
  Estimate fresh, there;                // bytes that would be new there, and that it has already
  std::optional<std::uint64_t> free{};  // on its roomiest filesystem; nothing: it has pushed no usage
};
struct Fits {
  std::vector<Fit> hosts;     // least fresh first; not its own
  Estimate bytes;             // of the guest's files
  Day day = 0;                // of its sketch
  std::size_t other_key = 0;  // hosts whose sketches it cannot be compared with
};
// Where the guest fits best by what it has in common with all guests of a host: candidates are those that have most of
// its contents which not half of the fleet has, and those with most room where these are few. to: only this host.
// Throws std::invalid_argument where there is no sketch of the guest, `to` is its own or has not
// pushed, or there is none of it by the same key.
Fits find_fits(Database& database, const FleetGuest& guest, const std::optional<std::string>& to);

}  // namespace vunify
