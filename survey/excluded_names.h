// SPDX-License-Identifier: Apache-2.0
// Names beneath excluded directories. These are listed and not looked at: a night costs them no statx. The number of
// its inode, which comes with a name, tells whether another guest may have the inode as well (a clone's file, or a
// shared one that was moved there), and only then is the name looked at.
#pragma once

#include <vector>

#include "survey/candidates.h"

namespace vunify {

// listed[i] holds those of trees[i], with nothing but their inodes' numbers. Returns the names whose inode has another
// name in trees, or among those that are listed of another guest, by number.
std::vector<NameRef> excluded_in_question(const Trees& trees, const Trees& listed);

// Sets what Tree::excluded_inodes says.
void note_excluded_inodes(Trees& trees, const Trees& listed);

}  // namespace vunify
