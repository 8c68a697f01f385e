// SPDX-License-Identifier: Apache-2.0
// Before the mark is taken off inodes, the index forgets them: it would call them shared as long as they look it, and
// what their guest does with them from then on, hard links and flags, is its own business.
#pragma once

#include <string>
#include <vector>

#include "sys/inode.h"

namespace vunify {

// Durable when it returns. The state directory's lock is held. An index that cannot be told is removed, unless it is
// not ours: then nobody believes it anyway.
void forget_inodes(const std::string& index_path, const std::vector<FileId>& inodes);

}  // namespace vunify
