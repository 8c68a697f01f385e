// SPDX-License-Identifier: Apache-2.0
// What compressed extents take on disk: FIEMAP and st_blocks tell what they hold.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace vunify {

// Of a file on btrfs, the bytes that each extent takes, by its place (Extent::physical). Needs CAP_SYS_ADMIN.
std::map<std::uint64_t, std::uint64_t> stored_extents(int fd);

// A piece of a file on btrfs: of which extent, as it was once written, it is a part. As long as one file has a part of
// an extent, all of it stays on disk.
struct ExtentPart {
  std::uint64_t extent = 0;  // where it begins on disk
  std::uint64_t stored = 0;  // what it takes there
  std::uint64_t offset = 0;  // of the part in it
  std::uint64_t length = 0;
  bool is_compressed = false;
};
// Of these inodes, on the subvolume that dir lies on; in order, each once, as in the answer. Without holes, what is
// kept in metadata, and what is not written yet. No file is opened: those whose numbers lie near each other take one
// call. Needs CAP_SYS_ADMIN.
std::map<std::uint64_t, std::vector<ExtentPart>> extent_parts(int dir, std::span<const std::uint64_t> inos);

}  // namespace vunify
