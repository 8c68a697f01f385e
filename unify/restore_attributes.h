// SPDX-License-Identifier: Apache-2.0
// Inode flags of shared inodes, as they were, and nobody's tag (guest/tag.h). XFS and btrfs let the owner of an inode
// change them though it is immutable (chattr +d +S +A, chattr -p), and a guest's root owns what it shares: a backup
// would skip the others' file, their quota count it elsewhere.
#pragma once

#include "unify/outcome.h"
#include "unify/place.h"
#include "unify/run.h"

namespace vunify {

// What is not as the index recorded it is given back; what cannot be is told as a failure. Without an index nothing is
// known. Opens no file that is as it was, where the kernel tells (Linux 6.17).
void restore_attributes(const Survey& survey, const Places& places, const Run& run, Outcome& outcome);

}  // namespace vunify
