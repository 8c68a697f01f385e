// SPDX-License-Identifier: Apache-2.0
// How much a daemon is granted in advance: pure, and small where little is left, so that what others hold and do not
// use is no reason to refuse anybody anything worth speaking of.
#pragma once

#include <algorithm>
#include <cstdint>

namespace vunify {

inline constexpr std::int64_t least_chunk = 64 << 10, greatest_chunk = 16 << 20;  // bytes
inline constexpr std::int64_t least_inodes = 16, most_inodes = 1024;

// left: of the limit, granted to nobody; daemons: that spend from it, this one too.
inline std::int64_t space_chunk(std::int64_t left, std::int64_t daemons) {
  return std::clamp(left / (4 * daemons), least_chunk, greatest_chunk);
}
inline std::int64_t inode_chunk(std::int64_t left, std::int64_t daemons) {
  return std::clamp(left / (4 * daemons), least_inodes, most_inodes);
}

}  // namespace vunify
