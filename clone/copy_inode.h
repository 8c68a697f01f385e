// SPDX-License-Identifier: Apache-2.0
// One inode copied to a name in a tree that nobody sees yet, all its metadata with it but mark and protection: file,
// symlink, device, FIFO or socket.
#pragma once

#include <functional>
#include <string>

#include "sys/at.h"
#include "sys/inode.h"
#include "sys/root_dir.h"

namespace vunify {

// How the bytes of a file come to the copy.
enum class Bytes {
  shared,  // by reflink where the filesystem has it: else they are copied
  apart,   // copied from a reflink that was made at one moment: whoever writes to the file cannot reach the copy
  none,    // it is to be empty
};

// A guest's name: its directory held open, and its path from the root.
struct GuestLeaf {
  const RootDir& root;
  At at;
  const std::string& path;
};

// A copy is the new guest's, whose number is another, or not given yet: it does not carry the old one's tag.
void leave_tag(const RootDir& from, int copy);

// From a guest's name to one that is not there yet. A running guest replaces files by renaming over them: what the name
// leads to is copied then, as often as it takes, for the guest has it at every moment. seen: what it led to, and then
// what was copied. False, and nothing is made, where the name is gone, or is a directory's. Throws ENOSPC and the like,
// and then part of it may be there; EBUSY where it never stands still.
bool copy_name(const GuestLeaf& from, Inode& seen, At to, Bytes bytes, const std::function<bool()>& stop);

}  // namespace vunify
