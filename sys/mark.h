// SPDX-License-Identifier: Apache-2.0
// Who owns an inode: the mark, never the link count. A shared inode carries the extended attribute trusted.vunify; its
// value names the inode itself, so a mark that was copied or restored onto another inode is void.
//
// Value, 12 bytes: the inode number (8, little endian) and 32 bits of the filesystem's identity. More could cost
// a whole block where an ext4 inode has no room left for attributes.
#pragma once

#include <string>

#include "sys/inode.h"

namespace vunify {

bool is_marked(int fd, const FileId& id);
bool is_marked_at(int dir, const std::string& leaf, const FileId& id);

// Fails with EPERM on an immutable inode: mark before protecting.
void set_mark(int fd, const FileId& id);
void clear_mark(int fd);

}  // namespace vunify
