// SPDX-License-Identifier: Apache-2.0
// The guard forgets all at a reboot: what the index knows to have been under it is put there again, found by its handle
// whatever its names are. Only what is as it was recorded: size, owner, mode, mtime and birth. What a guest wrote while
// nothing kept it from that, and gave its mtime back, is not told apart from what it was.
#pragma once

#include <cstdint>

#include "hashindex/store.h"

namespace vunify {

struct GuardedAgain {
  std::uint64_t guarded = 0;  // are there now, were they before or not
  std::uint64_t changed = 0;  // not as recorded, or open for writing: the next run parts them, or leads them to a copy
  std::uint64_t unreached = 0;  // on a filesystem that is not mounted now, or not to be opened
};

// By what the index knows; some may be gone since.
std::uint64_t count_guarded(const Store& store);

// Of these, those that are there, on filesystems that are mounted, and are not under the guard that is loaded.
std::uint64_t count_bare(const Store& store);

// Throws where the guard is not loaded, or has no room.
GuardedAgain guard_again(const Store& store);

}  // namespace vunify
