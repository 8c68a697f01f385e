// SPDX-License-Identifier: Apache-2.0
// What a run has learnt becomes part of the index, and what is no longer there leaves it: in the order of the keys, so
// that each page is written once. Committed every so many records; killed in between, it is done again from the start.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "hashindex/delta.h"
#include "hashindex/store.h"

namespace vunify {

void merge(Store& store, Delta& delta);

// What a walk has seen: reason to say that something else is gone.
struct Walked {
  std::set<std::uint32_t> guests;                              // those walked to the end, as the index numbers them
  std::map<std::uint32_t, std::vector<std::uint64_t>> inodes;  // by filesystem: all that were seen, in order
};

// Removes the records of private inodes that their guest, walked to the end or forgotten, has no more; and of shared
// ones that nobody walked has, and for which is_gone, asked with their handle, says so. A guest that was not walked
// loses nothing.
using IsGone = std::function<bool(std::uint32_t fs, std::string_view handle)>;
void prune(Store& store, const Walked& walked, const IsGone& is_gone);

}  // namespace vunify
