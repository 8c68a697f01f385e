// SPDX-License-Identifier: Apache-2.0
// lost+found: mke2fs(8) makes it with blocks of its own, so that e2fsck(8) can put names in it on a full filesystem.
// Where there is neither a block nor an inode left for a staging directory, it is moved to its place, and back when the
// run ends; by then what was linked has freed both. Killed in between, the next run moves it back.
#pragma once

#include <string>

namespace vunify {

// Moves it into the directory `parent`, as leaf. False, and nothing changed, where there is none, it is not empty, or
// the filesystem is seen only in part.
bool borrow_lost_and_found(int parent, const std::string& leaf);

bool is_lost_and_found(int dir);

// From where it was moved to; where another one was made meanwhile, or its place is not seen any more, nothing is done,
// and false is returned. Throws ENOSPC where its place was given to other names.
bool give_back_lost_and_found(int parent, const std::string& leaf);

}  // namespace vunify
