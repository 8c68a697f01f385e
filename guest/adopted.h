// SPDX-License-Identifier: Apache-2.0
// An adopted guest: its tree lies where no native path leads, in a directory that is root's alone, and vcow shows it
// where it was. Until a vcow is mounted there, what has its name is an empty immutable directory, so that the guest
// fails to start instead of writing into inodes that others share:
//
//     /vm/g1          the mount point
//     /vm/.vcow/g1    the tree: on the same filesystem and mount, found by its name
//
// Nothing is written down: what lies there says it all, and adopt() and release() (guest/adopt.h) move it in one step.
// An empty directory is never adopted. So of the two the empty one is the mount point: in /vm it is so from then on, in
// /vm/.vcow it was prepared, and not moved yet.
#pragma once

#include <string>
#include <vector>

#include "sys/mount.h"

namespace vunify {

inline constexpr auto adopted_leaf = ".vcow";  // beside the guest, 0700
inline constexpr auto mounted_reason = "mounted: a guest is left alone while vcow shows it";
inline constexpr auto vcow_type = "fuse.vcow";  // as the mount table calls it

struct GuestPlace {
  std::string path;         // where the guest is seen, on the host's side, symlinks resolved
  std::string root;         // where its tree lies
  bool is_mounted = false;  // a vcow is on path, be it dead: what is opened there is not the tree
  bool is_adopted() const { return root != path; }
};

// Of a guest that is named by its path, or by where its tree lies. Nothing that is mounted on it is asked: a dead vcow
// does not matter. mounts: the table of now. Throws where there is no such directory.
GuestPlace find_guest(const std::string& named, const std::vector<Mount>& mounts);

// Where a directory lies that is named by its path: of what is inside an adopted tree that vcow shows, in the tree that
// is shown, which need not have it. Any other, and that tree's root itself, is where it is. mounts, and throws: as
// find_guest().
std::string path_beneath(const std::string& named, const std::vector<Mount>& mounts);

// What is opened there, and moved there.
std::string adopted_path(const std::string& path);

// Whether a tree is an adopted guest's, by where it lies (GuestPlace::root).
bool is_adopted_tree(const std::string& root);

// Whoever shows the tree holds its root locked for himself (lock_exclusively(), sys/directory.h), from before the mount
// until after it: a vcow, which holds more than the mount table of this namespace tells. vunify holds it shared while
// it works, so that no vcow begins meanwhile with what it has just seen. A vcow that was unmounted just now has it for
// a moment longer: waited for, up to two seconds. False where somebody has it still. lock: one of sys/directory.
bool lock_root(int root, bool (*lock)(int));

}  // namespace vunify
