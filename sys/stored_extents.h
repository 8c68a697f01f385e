// SPDX-License-Identifier: Apache-2.0
// What compressed extents take on disk: FIEMAP and st_blocks tell what they hold.
#pragma once

#include <cstdint>
#include <map>
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
// Of an open file, without holes and what is kept in metadata. Needs CAP_SYS_ADMIN.
std::vector<ExtentPart> extent_parts(int fd);

}  // namespace vunify
