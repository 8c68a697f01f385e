// SPDX-License-Identifier: Apache-2.0
// What an interrupted run left, made whole again: done at every start, before anything else. For each name that the
// journal says was being prepared, staging tells how far it came:
//
//   it leads to what it led to before the exchange     nothing happened: the name is removed
//                                                      (of a copy for names that a guest linked itself, where another
//                                                      of them has it already, this one is led there, too)
//   to what came out of the guest                      a copy is finished: it is removed. A link is undone
//                                                      (change/undo_link.h)
//   to anything else                                   what the guest had put there just before goes back; what is not
//                                                      ours, or cannot be proven, is kept and reported
//
// A keeper whose protection was lifted gets it back; one that nothing was linked to is its guest's own again. Batches
// that were long over are read, too (change/journal.h): of those nothing is in staging, and nothing is done. What one
// set fails with stays with that set.
#pragma once

#include <string>
#include <vector>

#include "change/journal.h"

namespace vunify {

struct Kept {
  std::string path;  // in staging; or, of a keeper that could not be dealt with, a name of it
  std::string reason;
};

struct Recovery {
  std::uint64_t names = 0;  // names in staging that were dealt with
  std::vector<Kept> kept;   // left for the admin to look at, or for the next start to try again
};

// Reads the journals of the state directory and removes them. What had to be kept stays journalled and is told at every
// start as long as it is there; what lies on a filesystem that is not mounted now stays too, until it is back. Runs in
// the caller's tbb::task_arena. Throws where the state or a staging directory cannot be read.
Recovery recover(const std::string& state_dir);

}  // namespace vunify
