// SPDX-License-Identifier: Apache-2.0
// What a tree uses by what lies in it now: the truth that the ledger is held against.
#pragma once

#include <string>

#include "account/whose.h"
#include "sys/root_dir.h"

namespace vunify {

// Blocks as stat(2) tells them, each inode once, the root too; by Count::exclusive none that is marked as shared. What
// lies in the root under a name of `hidden` is no guest's. Exact where nobody writes meanwhile. In the calling thread.
// Throws std::system_error where a directory or a name cannot be read: what was counted would be too little.
Uses count_tree(const RootDir& root, Count count, const std::string& hidden);

}  // namespace vunify
