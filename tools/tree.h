// SPDX-License-Identifier: Apache-2.0
// A walk over host paths for the small tools: what is named, and what lies beneath. A symlink is an entry, never a way:
// each name is opened in the directory that is held open, so a guest that swaps one meanwhile leads us nowhere else.
#pragma once

#include <functional>
#include <string>
#include <system_error>

#include "sys/fd.h"
#include "sys/inode.h"

namespace vunify {

struct Found {
  std::string path;  // as it is shown: the operand, and what was found beneath it
  int fd = -1;       // O_PATH
  Inode inode;
};

// Opens a regular file or directory for reading; nothing for what would wake a device or wait for a peer.
Fd open_found(const Found& found);

enum class Depth { itself, contents, everything };

struct TreeWalk {
  Depth depth = Depth::itself;
  bool hidden = true;           // go into names that begin with a dot
  bool one_filesystem = false;  // leave out what lies on another than the operand
  // May throw std::system_error; failed is told, and the walk goes on.
  std::function<void(const Found& found)> visit;
  std::function<void(const std::string& path, const std::system_error& error)> failed;
};

// A directory first, then what is in it: names that are no directories, then directories, each in the order of names.
void visit_tree(const std::string& operand, const TreeWalk& walk);
// The same of what is held already (O_PATH), under the path that it is to be shown by.
void visit_held(const std::string& shown, int path_fd, const TreeWalk& walk);

}  // namespace vunify
