// SPDX-License-Identifier: Apache-2.0
// All that a guest consists of, as its host sees it: every name, and what is to be known of each inode to make it
// again. No file is read, but each is opened.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "guest/guest.h"
#include "move/moved_name.h"
#include "sys/inode_attr.h"

namespace vunify {

// What chattr(1) said of an inode, and a project's directory passes on. What protects a shared inode is not among it:
// that is this host's, and its mark.
inline constexpr std::uint32_t moved_flags =
    (metadata_flags & ~static_cast<std::uint32_t>(FS_VERITY_FL | FS_CASEFOLD_FL | FS_DAX_FL)) | FS_IMMUTABLE_FL |
    FS_APPEND_FL | FS_PROJINHERIT_FL;

struct GuestInventory {
  MovedNames names;
  std::vector<Stamp> seen;        // of each, to know what was changed since
  std::vector<std::string> left;  // "path: reason": names that are not taken along
};

// Throws std::system_error, naming the path, for what cannot be read. The guest stands still.
GuestInventory take_inventory(const Guest& guest);

// True where the file that is open is what was seen: vunify may have shared it since, which changes no byte.
bool is_unchanged(const Stamp& seen, int fd);

}  // namespace vunify
