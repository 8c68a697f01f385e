// SPDX-License-Identifier: Apache-2.0
// A directory of a filesystem that is mounted already, mounted once more (open_tree(2), move_mount(2)): a mount of its
// own, with flags of its own. What is mounted on directories in it is no part of it.
#pragma once

#include <string>

#include "sys/fd.h"

namespace vunify {

// In no mount table until it is placed. flags: mount(2)'s, beside those that the directory's mount has; MS_SYNCHRONOUS
// and MS_DIRSYNC, which are the filesystem's, are passed over.
Fd clone_tree(int dir, unsigned long flags);
// The same with all that is mounted on directories in it; the flags are all those mounts'.
Fd clone_trees(int dir, unsigned long flags);

// On an open directory, O_PATH will do. The descriptor keeps the mount busy from then on: close it.
void place_tree(int tree, int dir);

// What is mounted on a name in an open directory, be it a symlink: no path leads elsewhere. Both throw EINVAL where
// nothing is.
bool is_mount_in_use(int dir, const std::string& leaf);  // umount2(2), MNT_EXPIRE: in this mount namespace
void unmount_name(int dir, const std::string& leaf);     // throws EBUSY where somebody uses it

// What is mounted on a path last. flags: MNT_FORCE, MNT_DETACH.
void unmount_path(const std::string& point, int flags);

}  // namespace vunify
