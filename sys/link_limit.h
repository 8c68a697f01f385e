// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace vunify {

inline constexpr std::uint32_t no_link_limit = ~std::uint32_t{0};

// How many names an inode may have, by filesystem type: ext4 65,000 (fs/ext4/ext4.h EXT4_LINK_MAX), btrfs 65,535
// (include/uapi/linux/btrfs_tree.h BTRFS_LINK_MAX); others say so with EMLINK. One is left free for staging.
std::uint32_t link_limit(std::string_view fs_type);

}  // namespace vunify
