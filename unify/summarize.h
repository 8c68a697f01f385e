// SPDX-License-Identifier: Apache-2.0
// The outcome of a run, counted from what its stages left behind.
#pragma once

#include <vector>

#include "survey/scan.h"
#include "survey/survey.h"
#include "unify/outcome.h"
#include "unify/place.h"
#include "unify/tally.h"

namespace vunify {

// One entry for each guest: its files by verdict, and what was done for it. Fills guests, and what tally knows.
void summarize(const std::vector<Guest>& guests, const Scan& scan, const Places& places, const Tally& tally,
               Outcome& outcome);

// The same after deunify: what is still marked is shared, all else is its guest's own. would_be: nothing was done, and
// all of it would be.
void summarize_private(const std::vector<Guest>& guests, const Scan& scan, bool would_be, Outcome& outcome);

// Gives their verdict to names of shared inodes that nothing else is said of. Adds the names that lead to shared inodes
// now, and these inodes' bytes, or their data's, each once.
void count_shared(Survey& survey, Outcome& outcome);

// Space on each filesystem of the guests. Synced first, so that what was freed shows. In a dry run nothing changes it:
// what would be freed is added.
std::vector<FilesystemOutcome> measure_space(const std::vector<Guest>& guests);
void measure_space_after(const std::vector<Guest>& guests, Outcome& outcome);

}  // namespace vunify
