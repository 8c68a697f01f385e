// SPDX-License-Identifier: Apache-2.0
// Visits every directory beneath some roots, many at a time. A directory is opened by its path from the root (see
// RootDir), so a guest that moves directories about can make us miss names, never leave its root.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "sys/inode.h"
#include "sys/root_dir.h"

namespace vunify {

struct Entry {
  std::string_view leaf;  // a NUL stands behind it
  Inode inode;            // stat_name's answer for a regular file; else, and in what is unseen, only type and number
  bool enter = false;     // set by the visitor: a directory to go on into
  bool unseen = false;    // set by the visitor: and nothing in it, nor beneath, is looked at
};

// What one directory holds, as getdents64(2) gave it, in inode order: the order of least seeking. Gone when the visit
// is over.
struct Listing {
  std::string_view path;  // from the root; "" for the root itself
  int fd = -1;
  std::span<Entry> entries;
  bool unseen = false;
};

struct Visitor {
  // Called from many threads at once; it must not wait for other tasks.
  std::function<void(const Listing& listing)> visit;
  // A directory or name that could not be read; the walk goes on.
  std::function<void(const std::string& path, const std::system_error& error)> failed;
  // Asked before each directory; true ends the walk early.
  std::function<bool()> stop;
};

struct RootVisit {
  const RootDir* root;
  Visitor visitor;
};

// Runs in the caller's tbb::task_arena and returns when all is visited: all roots at once, so that none's last
// directory leaves a thread idle. Directories on another device (mounts, btrfs subvolumes) are reported to failed with
// EXDEV and not entered, as is a file that a mount hides (see stat_name); names that vanish meanwhile are passed over.
void walk(std::span<const RootVisit> roots);

}  // namespace vunify
