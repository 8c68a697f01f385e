// SPDX-License-Identifier: Apache-2.0
// Visits every directory beneath a root, many at a time. A directory is opened by its path from the root (see RootDir),
// so a guest that moves directories about can make us miss names, never leave its root.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

#include "sys/inode.h"
#include "sys/root_dir.h"

namespace vunify {

struct Entry {
  std::string leaf;
  Inode inode;  // stat_name's answer for a regular file; for anything else only mode's type and ino are set
};

// What one directory holds, as getdents64(2) gave it, in inode order: the order of least seeking.
struct Listing {
  std::string path;  // from the root; "" for the root itself
  int fd = -1;       // open while it is being visited
  Inode self;
  std::vector<Entry> entries;
};

struct Visitor {
  // Called from many threads at once. Returns the leaves of the directories to go on into.
  std::function<std::vector<std::string>(Listing& listing)> visit;
  // A directory or name that could not be read; the walk goes on.
  std::function<void(const std::string& path, const std::system_error& error)> failed;
  // Asked before each directory; true ends the walk early.
  std::function<bool()> stop;
};

// Runs in the caller's tbb::task_arena and returns when all is visited. Directories on another device (mounts, btrfs
// subvolumes) are reported to failed with EXDEV and not entered; names that vanish meanwhile are passed over.
void walk(const RootDir& root, const Visitor& visitor);

}  // namespace vunify
