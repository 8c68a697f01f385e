// SPDX-License-Identifier: Apache-2.0
// A directory kept for ourselves, made, locked, listed, and removed again; or one that is cleared.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "sys/fd.h"

namespace vunify {

// Opens the directory leaf, never through a symlink: ENOTDIR where something else has the name. Errors speak of path.
Fd open_directory_at(int parent, const std::string& leaf, std::string_view path);
// The directory above; "/" is above itself.
Fd open_parent(int dir);

// Makes the directory leaf, 0700. One that is there already is left as it is: look at whose it is.
void make_private_directory(int parent, const std::string& leaf);
// Leaves nobody but the owner a way in: mode 0700 without setgid, no ACL, and none for files made in it.
void make_private(int dir);

// Takes the lock (flock(2)) that is given up when dir is closed, also by a crash. False where another program has it.
bool lock_exclusively(int dir);
// The same, held by many at a time: false while somebody holds it for himself.
bool lock_shared(int dir);

// Of anything but a directory: EISDIR.
void remove_name(int dir, const std::string& leaf);
// False where the directory is not empty.
bool remove_empty_directory(int parent, const std::string& leaf);

// Moves a directory within its filesystem; nothing new is allocated where `to` has room for one more name. False, and
// nothing changed, where the name is taken.
bool move_directory(int from, const std::string& leaf, int to, const std::string& new_leaf);

// Swaps what two names lead to, directories both, in one step (renameat2(2), RENAME_EXCHANGE). Throws EPERM where
// either is immutable; nothing changes then.
void exchange_directories(int one, const std::string& leaf, int other, const std::string& other_leaf);

// The names in an open directory, sorted, without "." and "..". Throws E2BIG where they are more than `most`.
std::vector<std::string> list_names(int dir, std::size_t most = std::numeric_limits<std::size_t>::max());

}  // namespace vunify
