// SPDX-License-Identifier: Apache-2.0
// Flags and project of an inode that is held by O_PATH, and not opened: file_getattr(2) and file_setattr(2),
// Linux 6.17.
#pragma once

#include <cstdint>
#include <optional>

namespace vunify {

struct HeldAttr {
  std::uint32_t flags = 0;  // as inode_flags(), but only those that more than one filesystem has
  std::uint32_t project = 0;
};

// Nothing where the kernel does not know the call, or the filesystem has no flags.
std::optional<HeldAttr> held_attr(int path_fd);
// False where the kernel does not know the call; throws where the filesystem keeps no project of such an inode.
bool set_held_project(int path_fd, std::uint32_t project);

}  // namespace vunify
