// SPDX-License-Identifier: Apache-2.0
// Guests in user namespaces: the same files, every owner moved by a constant. They cannot share an inode, but the admin
// should know that they could, with an idmapped mount or reflinks.
#pragma once

#include <vector>

#include "survey/candidates.h"

namespace vunify {

// Files that have no twin but, at the same path of another guest, one that differs in its owner alone, user and group
// by the same number. Each group is one path. Whether the bytes are equal too is left to the proof.
Candidates find_shifted(const Trees& trees, const std::vector<std::uint32_t>& place);

}  // namespace vunify
