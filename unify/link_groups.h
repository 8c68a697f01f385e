// SPDX-License-Identifier: Apache-2.0
// From candidate groups to links, by several workers: each takes the next group, largest saving first, proves it, plans
// it, and links what it has gathered, batch by batch.
#pragma once

#include <string>
#include <vector>

#include "hashindex/index.h"
#include "hashindex/prove.h"
#include "unify/place.h"
#include "unify/tally.h"

namespace vunify {

struct LinkRules {
  bool dry_run = false;  // plan only, without leases
  bool mtime = true;     // false: mtimes may differ, the oldest file of a class is kept
  unsigned jobs = 1;
  std::size_t open_files = 1024;  // descriptors that all workers together may hold
  std::string state_dir;          // for the journals; exists
  Index* index = nullptr;         // asked where there is one; told where this is no dry run

  bool learns() const { return index != nullptr && !dry_run; }
  DigestKey key() const { return index != nullptr ? index->key() : DigestKey(); }
  Knowledge look_up(const Scan& scan, const Candidates& candidates, bool by_place = false) const {
    return index != nullptr ? index->look_up(scan, candidates, by_place) : Knowledge();
  }
};

// Works in the caller's tbb::task_arena. Every name of every group gets its verdict in scan; candidates tell which
// inodes became keepers and which were given up. Ends early, and clean, when stop says so or the disk is full.
Tally link_groups(const std::vector<Guest>& guests, Scan& scan, Candidates& candidates,
                  const std::vector<Place>& places, const std::vector<std::uint32_t>& place_of, const LinkRules& rules,
                  const Stop& stop, Counters& counters);

}  // namespace vunify
