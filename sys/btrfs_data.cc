// SPDX-License-Identifier: Apache-2.0
#include "sys/btrfs_data.h"

#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <sys/ioctl.h>

#include <cstddef>

namespace vunify {

std::optional<std::uint64_t> btrfs_data_used(int fd) {
  constexpr std::size_t most = 64;  // kinds of chunks: there are some four, and twice that while it is balanced
  alignas(
      btrfs_ioctl_space_args) char room[sizeof(btrfs_ioctl_space_args) + most * sizeof(btrfs_ioctl_space_info)] = {};
  auto* args = reinterpret_cast<btrfs_ioctl_space_args*>(room);
  args->space_slots = most;
  if (::ioctl(fd, BTRFS_IOC_SPACE_INFO, args) != 0) return std::nullopt;
  std::uint64_t used = 0;
  for (std::size_t i = 0; i < args->total_spaces && i < most; ++i) {
    const auto& space = args->spaces[i];
    if ((space.flags & BTRFS_BLOCK_GROUP_DATA) == 0) continue;
    if ((space.flags & BTRFS_BLOCK_GROUP_METADATA) != 0) return std::nullopt;
    used += space.used_bytes;
  }
  return used;
}

}  // namespace vunify
