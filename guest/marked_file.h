// SPDX-License-Identifier: Apache-2.0
// Is anything of a guest shared? Asked of its files themselves: no index is believed.
#pragma once

#include <optional>
#include <string>

#include "sys/root_dir.h"

namespace vunify {

// A file of the tree, by its path from there, whose inode others may have: it is marked; or it has a stale mark, and
// names that are not in the tree. Throws where a directory cannot be read.
std::optional<std::string> find_marked_file(const RootDir& root);

// The same, more strictly: also a file that is not ours, and has names that are not in the tree. What is mounted in the
// tree, or is another subvolume, cannot be told: EXDEV.
std::optional<std::string> find_file_known_elsewhere(const RootDir& root);

}  // namespace vunify
