// SPDX-License-Identifier: Apache-2.0
// What of a btrfs is files' data: df(1) counts metadata, and all its copies, as well.
#pragma once

#include <cstdint>
#include <optional>

namespace vunify {

// Bytes of extents that somebody has, each once however many copies the filesystem keeps (BTRFS_IOC_SPACE_INFO).
// Nothing on other filesystems, and where data and metadata are mixed.
std::optional<std::uint64_t> btrfs_data_used(int fd);

}  // namespace vunify
