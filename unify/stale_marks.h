// SPDX-License-Identifier: Apache-2.0
// Shared inodes whose marks are stale: their filesystem was given another UUID (a cloned disk), is a btrfs snapshot, or
// was resized. They are immutable still, and nobody but us made them so: taken for ours, and told.
#pragma once

#include "unify/outcome.h"
#include "unify/place.h"
#include "unify/run.h"

namespace vunify {

// Names of such inodes that no rule leaves out.
std::uint64_t count_stale(const Trees& trees);

// Before adoption: where inodes are shared, those with several names are marked and protected anew; what of them
// remains in Candidates::unprotected is to be given copies. What a guest holds on to is Verdict::shared_unprotected,
// and stays as it is. A last name is give_back_last_names()'s.
void renew_stale_marks(Survey& survey, const Places& places, const Run& run, Outcome& outcome);

}  // namespace vunify
