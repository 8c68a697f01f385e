// SPDX-License-Identifier: Apache-2.0
// What an interrupted run left, made whole again: done at every start, before anything else. For each name that the
// journal says was being prepared, staging tells how far it came:
//
//   it leads to what it led to before the exchange     nothing happened: the name is removed
//   to what came out of the guest, and the guest's
//   name leads to the keeper                           a link is undone, for nobody held leases since; a copy is
//   finished and the guest's name leads elsewhere, or is gone   the guest replaced or removed it since: what came out
//   is removed to anything else                                   not ours: kept and reported
//
// A keeper whose protection was lifted gets it back; one that nothing was linked to is the guest's own again.
#pragma once

#include <string>
#include <vector>

#include "unify/journal.h"

namespace vunify {

struct Kept {
  std::string path;  // in staging
  std::string reason;
};

struct Recovery {
  std::uint64_t names = 0;  // names in staging that were dealt with
  std::vector<Kept> kept;   // left for the admin to look at
};

// Reads the journals of the state directory and removes them. What had to be kept, or lies on a filesystem that is not
// there now, stays journalled. Throws where the state or a staging directory cannot be read.
Recovery recover(const std::string& state_dir);

}  // namespace vunify
