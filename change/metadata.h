// SPDX-License-Identifier: Apache-2.0
// Inode metadata: all that belongs to an inode and not to its names, and that a guest could tell apart. It must agree
// before files share an inode, and still agree when they do. Its project id is not among it: that is its guest's tag
// (guest/tag.h), and what guests share has none.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "sys/inode.h"

namespace vunify {

struct InodeMetadata {
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t flags = 0;                    // metadata_flags of sys/inode_attr.h
  std::int64_t mtime = 0;                     // whole seconds
  std::map<std::string, std::string> xattrs;  // ACLs, capabilities and labels among them; never our mark

  bool operator==(const InodeMetadata&) const = default;
};

InodeMetadata read_metadata(int fd);
// Of what was asked already: seen by stat_fd(fd), flags by inode_flags(fd). What changed since then is not seen:
// compare ctime, or read once more, before anything rests on it.
InodeMetadata read_metadata(int fd, const Inode& seen, std::uint32_t flags);

// All of it that a look at the inode tells.
bool looks_like(const Inode& seen, const InodeMetadata& metadata);

// Gives an inode its metadata back, after somebody else's name had led to it for a moment; mtime in full.
void restore_metadata(int fd, const InodeMetadata& metadata, Timestamp mtime);

// The same, mtime aside where that is what the user wants.
bool agree(const InodeMetadata& a, const InodeMetadata& b, bool with_mtime);

}  // namespace vunify
