// SPDX-License-Identifier: Apache-2.0
// What compressed extents take on disk: FIEMAP and st_blocks tell what they hold.
#pragma once

#include <cstdint>
#include <map>

namespace vunify {

// Of a file on btrfs, the bytes that each extent takes, by its place (Extent::physical). Needs CAP_SYS_ADMIN.
std::map<std::uint64_t, std::uint64_t> stored_extents(int fd);

}  // namespace vunify
