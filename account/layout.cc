// SPDX-License-Identifier: Apache-2.0
#include "account/layout.h"

#include <algorithm>
#include <set>

#include "sys/clone.h"

namespace vunify {
namespace {

std::uint64_t sum_of(const std::vector<Extent>& extents) {
  std::uint64_t bytes = 0;
  for (const auto& extent : extents)
    if (!extent.in_metadata) bytes += extent.length;
  return bytes;
}

}  // namespace

FileLayout layout_on_xfs(int fd, const Inode& inode) {
  const auto extents = extents_of(fd, true);
  if (!std::ranges::any_of(extents, &Extent::shared)) return {inode.bytes_on_disk(), false, {}};
  FileLayout layout{sum_of(extents), true, {}};
  for (const auto& extent : extents)
    if (!extent.in_metadata) layout.pieces.push_back({0, extent.physical, extent.physical + extent.length});
  return layout;
}

// A compressed extent is told by its first part.
FileLayout layout_on_btrfs(std::span<const ExtentPart> parts) {
  FileLayout layout{0, !parts.empty(), {}};
  std::set<std::uint64_t> compressed;
  for (const auto& part : parts) {
    if (part.is_compressed && !compressed.insert(part.extent).second) continue;
    const auto begin = part.is_compressed ? 0 : part.offset;
    const auto end = part.is_compressed ? part.stored : part.offset + part.length;
    layout.bytes += end - begin;
    layout.pieces.push_back({part.extent, begin, end});
  }
  return layout;
}

}  // namespace vunify
