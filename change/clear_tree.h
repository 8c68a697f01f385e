// SPDX-License-Identifier: Apache-2.0
// Empties a directory tree, however deep, as rm -r does, but for what would open shared inodes to others.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sys/root_dir.h"

namespace vunify {

struct NotCleared {
  std::string path;  // from the root
  std::string reason;
  bool protected_file = false;  // regular, and the kernel keeps its names (EPERM): see change/remove_names.h
};

// Removes every name and directory beneath the root that can be removed without changing an inode that others may have;
// the root stays. The flags (chattr(1)) of directories, which nobody else can have, are taken off. No symlink is
// followed and no mount entered. Nobody else should be at work in the tree: a directory that is moved meanwhile ends it
// (ESTALE). Returns what is left and why, but for directories that are not empty; early where stop() says so.
std::vector<NotCleared> clear_tree(const RootDir& root, const std::function<bool()>& stop);

}  // namespace vunify
