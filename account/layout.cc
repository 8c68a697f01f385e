// SPDX-License-Identifier: Apache-2.0
#include "account/layout.h"

#include <algorithm>
#include <set>

#include "sys/clone.h"
#include "sys/stored_extents.h"

namespace vunify {
namespace {

std::uint64_t sum_of(const std::vector<Extent>& extents) {
  std::uint64_t bytes = 0;
  for (const auto& extent : extents)
    if (!extent.in_metadata) bytes += extent.length;
  return bytes;
}

// Only its parts tell what is compressed, and which extents they are of.
FileLayout layout_by_parts(int fd, bool is_shared) {
  FileLayout layout{0, is_shared, {}};
  std::set<std::uint64_t> compressed;
  for (const auto& part : extent_parts(fd)) {
    const bool is_again = part.is_compressed && !compressed.insert(part.extent).second;
    if (is_again) continue;
    const auto begin = part.is_compressed ? 0 : part.offset;
    const auto end = part.is_compressed ? part.stored : part.offset + part.length;
    layout.bytes += end - begin;
    if (is_shared) layout.pieces.push_back({part.extent, begin, end});
  }
  return layout;
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

FileLayout layout_on_btrfs(int fd, const Inode& inode) {
  const auto extents = extents_of(fd, true);
  const bool is_shared = std::ranges::any_of(extents, &Extent::shared);
  if (is_shared || std::ranges::any_of(extents, &Extent::encoded)) return layout_by_parts(fd, is_shared);
  const bool is_inline = std::ranges::any_of(extents, &Extent::in_metadata);
  return {is_inline ? sum_of(extents) : inode.bytes_on_disk(), false, {}};
}

}  // namespace vunify
