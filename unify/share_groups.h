// SPDX-License-Identifier: Apache-2.0
// From candidate groups to shared data, where the filesystem has reflinks: inodes stay separate, so owner, mode and
// mtime need not agree, nothing is marked and nothing has to be protected. What already lies at the same places on disk
// is not even read, and where the index knows it, not opened; what is equal is compared once more by the kernel
// (FIDEDUPERANGE), under its own locks.
#pragma once

#include "unify/run.h"
#include "unify/tally.h"

namespace vunify {

// As link_groups(); linked_files counts files whose data is shared now, freed_bytes what they no longer take alone.
Tally share_groups(Survey& survey, const Run& run);

}  // namespace vunify
