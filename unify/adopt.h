// SPDX-License-Identifier: Apache-2.0
// Inodes that guests have together and nobody protects: clones made with cp -al, restored backups, marks whose
// protection was taken off. Each of these guests may have begun something with such an inode that still goes on; so its
// names are led to a copy (change/fresh_copy.h) that is protected from birth. In place it is marked and protected only
// where the guests are stopped, where it is data that is shared, and where not all of its names are known to this run.
#pragma once

#include "unify/outcome.h"
#include "unify/place.h"
#include "unify/run.h"
#include "unify/tally.h"

namespace vunify {

// Before links are made. What cannot be adopted stays what it is: Verdict::shared_unprotected, be it that somebody
// writes to it; not_reached where the run's stop says so, or where there is no room for the copy.
Tally adopt_unprotected(Survey& survey, const Places& places, const Run& run, Outcome& outcome);

}  // namespace vunify
