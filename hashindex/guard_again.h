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
  std::uint64_t without_room = 0;  // the guard is full
  std::uint64_t unreached = 0;     // their filesystem, or they, could not be opened: its guests are not where they were
};

// By what the index knows; some may be gone since.
std::uint64_t count_guarded(const Store& store);

struct Unguarded {
  std::uint64_t bare = 0;       // there, and not under the guard that is loaded
  std::uint64_t unreached = 0;  // as above: nothing can be told of it
};
Unguarded find_unguarded(const Store& store);

// For one that holds the state's lock: nobody marks, or unprotects, meanwhile. Throws where the guard is not loaded.
GuardedAgain guard_again(const Store& store);

}  // namespace vunify
