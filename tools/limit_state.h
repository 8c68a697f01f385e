// SPDX-License-Identifier: Apache-2.0
// A limit, and how it stands with it, for vdlimit to tell.
#pragma once

#include <string>
#include <vector>

#include "account/ledger.h"
#include "host/host_guest.h"

namespace vunify {

struct LimitState {
  LimitKey key;
  Limit limit;
  std::string guest{};          // its name; empty: nobody's that is known
  std::string mount_point{};    // of the filesystem; empty: none that was found
  Amount used{};                // with what killed daemons were granted
  Amount granted{};             // to daemons that live, and are not spent yet as far as is known
  std::uint64_t unsettled = 0;  // bytes by which `used` may be off
  bool by_vcow = false;         // a daemon holds the guest to it now
  bool by_kernel = false;       // the project's quota does (tools/native_limit.h), as whoever asks found
  bool is_counted = false;
  std::int64_t drift = 0;
};

void add(Amount& sum, const Amount& more);

LimitState state_of(const Ledger& ledger, const LimitKey& key, const Limit& limit);
// All of them, named by these guests.
std::vector<LimitState> all_states(const Ledger& ledger, const std::vector<HostGuest>& guests);

// Where their filesystems are mounted: the shortest path, where there are several.
void put_mount_points(std::vector<LimitState>& states);

std::string to_text(const std::vector<LimitState>& states);
std::string to_json(const std::vector<LimitState>& states);

}  // namespace vunify
