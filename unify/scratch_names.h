// SPDX-License-Identifier: Apache-2.0
// What crashes of a kernel with kernel-cow left in the guests (change/scratch_name.h): the kernel looks for it only at
// the next break in the same directory, a run wherever it walks.
#pragma once

#include <vector>

#include "guest/guest.h"
#include "survey/tree.h"
#include "unify/outcome.h"
#include "unify/place.h"
#include "unify/run.h"

namespace vunify {

// Removes and tells it; in a dry run, tells it. Not where a vcow shows the guest, or there is no staging.
void remove_scratch_names(const std::vector<Guest>& guests, const Places& places, const Trees& trees, const Run& run,
                          Outcome& outcome);

}  // namespace vunify
