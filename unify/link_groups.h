// SPDX-License-Identifier: Apache-2.0
// From candidate groups to links, by several workers: each takes the next group, largest saving first, proves it, plans
// it, and hands what is to be linked to its own Linker.
#pragma once

#include "unify/place.h"
#include "unify/run.h"
#include "unify/tally.h"

namespace vunify {

// Works in the caller's tbb::task_arena. Every name of every group gets its verdict; the candidates tell which inodes
// became keepers and which were given up. Ends early, and clean, when the run's stop says so or the disk is full.
Tally link_groups(Survey& survey, const Places& places, const Run& run);

}  // namespace vunify
