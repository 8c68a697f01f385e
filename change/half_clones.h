// SPDX-License-Identifier: Apache-2.0
// What a vclone that was killed left in staging. A clone is built in a directory of its own there, and leaves it in one
// step (clone/clone_guest.h). Nothing in it came out of a guest: names of shared inodes that have others, and copies.
// So it is the one thing in staging that may go unproven.
#pragma once

#include <string>
#include <string_view>

#include "change/recover.h"
#include "guest/staging.h"

namespace vunify {

inline constexpr std::string_view clone_prefix = "clone-";  // of the directory's name; no worker's begins so

// Removes all of them, and the protection of what has no other name then. Adds to recovery what could not be removed.
void clear_half_clones(const Staging& staging, const std::string& state_dir, Recovery& recovery);

}  // namespace vunify
