// SPDX-License-Identifier: Apache-2.0
#include "sys/stored_extents.h"

#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <sys/ioctl.h>

#include <cstring>
#include <limits>

#include "sys/fd.h"
#include "sys/inode.h"

namespace vunify {
namespace {

// BTRFS_IOC_TREE_SEARCH (man btrfs-ioctl): the extent items of one inode, from an offset in it on.
btrfs_ioctl_search_args search_from(std::uint64_t ino, std::uint64_t offset) {
  btrfs_ioctl_search_args args{};
  args.key.min_objectid = args.key.max_objectid = ino;
  args.key.min_type = args.key.max_type = BTRFS_EXTENT_DATA_KEY;
  args.key.min_offset = offset;
  args.key.max_offset = args.key.max_transid = std::numeric_limits<std::uint64_t>::max();
  args.key.nr_items = std::numeric_limits<std::uint32_t>::max();
  return args;
}

template <typename T>
T read_at(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// Calls look with each extent that has a place; an inline one has none.
template <typename Look>
void look_at_item(const char* item, std::uint32_t size, const Look& look) {
  if (size < sizeof(btrfs_file_extent_item)) return;
  const auto extent = read_at<btrfs_file_extent_item>(item);
  if (extent.type != BTRFS_FILE_EXTENT_INLINE && extent.disk_bytenr != 0) look(extent);  // else it is a hole
}

template <typename Look>
void for_each_extent(int fd, const Look& look) {
  const auto ino = stat_fd(fd).ino;
  for (std::uint64_t offset = 0;;) {
    auto args = search_from(ino, offset);
    check(::ioctl(fd, BTRFS_IOC_TREE_SEARCH, &args), "BTRFS_IOC_TREE_SEARCH");
    if (args.key.nr_items == 0) return;
    const char* at = args.buf;
    for (std::uint32_t i = 0; i < args.key.nr_items; ++i) {
      const auto header = read_at<btrfs_ioctl_search_header>(at);
      look_at_item(at + sizeof header, header.len, look);
      at += sizeof header + header.len;
      offset = header.offset + 1;
    }
  }
}

}  // namespace

std::map<std::uint64_t, std::uint64_t> stored_extents(int fd) {
  std::map<std::uint64_t, std::uint64_t> extents;
  for_each_extent(fd, [&](const auto& extent) { extents[extent.disk_bytenr] = extent.disk_num_bytes; });
  return extents;
}

std::vector<ExtentPart> extent_parts(int fd) {
  std::vector<ExtentPart> parts;
  for_each_extent(fd, [&](const auto& extent) {
    parts.push_back(
        {extent.disk_bytenr, extent.disk_num_bytes, extent.offset, extent.num_bytes, extent.compression != 0});
  });
  return parts;
}

}  // namespace vunify
