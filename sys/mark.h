// SPDX-License-Identifier: Apache-2.0
// Who owns an inode: the mark, never the link count. A shared inode carries the extended attribute trusted.vunify; its
// value names the inode itself, so a mark that was copied or restored onto another inode is void. So is one on a
// filesystem that was given another UUID, in a btrfs snapshot, and where resize2fs(8) has numbered inodes anew.
//
// Value, 12 bytes: the inode number (8, little endian) and 32 bits of the filesystem's identity. More could cost
// a whole block where an ext4 inode has no room left for attributes.
#pragma once

#include <string>
#include <string_view>

#include "sys/inode.h"

namespace vunify {

enum class Mark {
  none,
  stale,  // ours by its form, but of another inode or filesystem
  valid,
};
Mark mark_on(int fd, const FileId& id);
Mark mark_at(int dir, const std::string& leaf, const FileId& id);
inline bool is_marked(int fd, const FileId& id) { return mark_on(fd, id) == Mark::valid; }

// Of either kind: enough for an inode that we know for ours otherwise.
bool has_mark(int fd);

// The attribute's name, for one who does not show it.
bool is_mark(std::string_view attribute);

// Fails with EPERM on an immutable inode: mark before protecting.
void set_mark(int fd, const FileId& id);
void clear_mark(int fd);

}  // namespace vunify
