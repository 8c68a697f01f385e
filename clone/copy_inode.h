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

// From a guest's name to one that is not there yet. seen: what the first led to; nothing is copied, and false returned,
// where it is another inode by now. Throws ENOENT where it is gone; ENOSPC and the like, and then part of it may be
// there.
bool copy_inode(const GuestLeaf& from, const Inode& seen, At to, Bytes bytes, const std::function<bool()>& stop);

}  // namespace vunify
