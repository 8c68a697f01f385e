// SPDX-License-Identifier: Apache-2.0
// What an interrupted run left, made whole again: done at every start, before anything else. For each name that the
// journal says was being prepared, staging tells how far it came:
//
//   it leads to what it led to before the exchange     nothing happened: the name is removed
//   to what came out of the guest                      a copy is finished: it is removed. A link is undone, for nobody
//                                                      held leases since. Where the guest replaced or removed its name
//                                                      meanwhile, what came out is removed instead
//   to anything else                                   not ours: kept and reported, as is what no journal knows
//
// What came out is kept and reported too where the keeper was written to meanwhile; the guest's name then gets a copy
// of what it shows. A keeper whose protection was lifted gets it back; one that nothing was linked to is its guest's
// own again. Batches that were long over are read, too (change/journal.h): of those nothing is in staging, and nothing
// is done.
#pragma once

#include <string>
#include <vector>

#include "change/journal.h"

namespace vunify {

struct Kept {
  std::string path;  // in staging
  std::string reason;
};

struct Recovery {
  std::uint64_t names = 0;  // names in staging that were dealt with
  std::vector<Kept> kept;   // left for the admin to look at, or for the next start to try again
};

// Reads the journals of the state directory and removes them. What had to be kept stays journalled and is told at every
// start as long as it is there; what lies on a filesystem that is not mounted now stays too, until it is back. Throws
// where the state or a staging directory cannot be read.
Recovery recover(const std::string& state_dir);

}  // namespace vunify
