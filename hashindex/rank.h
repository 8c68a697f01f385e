// SPDX-License-Identifier: Apache-2.0
// Equal files of one guest stay separate inodes: the first copies of all guests share one, the second copies another.
// The rank of an inode is the number of its guest's copies before it. Inodes of different ranks are never linked, so a
// class too large to be held open can be cut between ranks without losing a link.
#pragma once

#include <cstdint>
#include <vector>

#include "survey/candidates.h"

namespace vunify {

// Cuts equal inodes into parts of at most max_open, ranks whole where they fit. A rank that does not fit goes in
// rounds: its first inode, which the first round makes the keeper, comes again in each.
std::vector<std::vector<std::uint32_t>> parts_by_rank(const Candidates& candidates, std::vector<std::uint32_t> inodes,
                                                      std::size_t max_open);

}  // namespace vunify
