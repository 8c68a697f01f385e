// SPDX-License-Identifier: Apache-2.0
// Names that must not share their inode are parted from it, each guest's from the others': excluded ones, what a guest
// linked itself, empty files, and all where data is shared instead of inodes.
#pragma once

#include "unify/outcome.h"
#include "unify/place.h"
#include "unify/run.h"

namespace vunify {

// Before candidates are looked for: of survey only guests and trees are used, and afterwards the files whose inode some
// names have left are as if the walk had found them so. A name that could not leave a protected inode stays one of its
// names, and is open; any other is shared_unprotected, and told as a failure unless a guest changes it just now.
void separate_hard_links(Survey& survey, const Places& places, const Run& run, Outcome& outcome);

}  // namespace vunify
