// SPDX-License-Identifier: Apache-2.0
// Shared inodes whose state does not fit their names, put right: what is not what was shared any more, and the second
// name of a shared inode in one guest, get inodes of their own; a last name is its guest's again.
#pragma once

#include <span>
#include <vector>

#include "survey/survey.h"
#include "unify/outcome.h"
#include "unify/place.h"
#include "unify/run.h"

namespace vunify {

// Before links are made. Each ends early, and clean, when the run's stop says so. Those that are not what was shared
// any more (unify/changed_shared.h): each name gets an inode of its own, and is told as a failure. Called before
// adoption (unify/adopt.h).
void separate_changed(Survey& survey, const Places& places, const Run& run, Outcome& outcome);
void separate_doubles(Survey& survey, const Places& places, const Run& run, Outcome& outcome);

// Before links are made, too: where guests are adopted, vcow protects what they share, and no flag has to. An inode
// that carries one loses it, where all its names are theirs; else guests that are not adopted have it as well, and
// these names get inodes of their own, which the next run shares.
void take_flags_off(Survey& survey, const Places& places, const Run& run, Outcome& outcome);

// After links were made: shared inodes that have one name, still, are their guests' own (change/last_name.h).
void give_back_last_names(Survey& survey, const Places& places, const Run& run, Outcome& outcome);
// The same of these names, each the last of its inode. True for each where it was done.
std::vector<bool> give_back_last_names(const Survey& survey, const Places& places, std::span<const NameRef> names,
                                       const Run& run, Outcome& outcome);

}  // namespace vunify
