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

constexpr std::uint64_t any_offset = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t far = 16;  // numbers between two inodes: what lies there is read for nothing

// Where a search goes on.
struct Place {
  std::uint64_t ino = 0;
  std::uint32_t type = 0;
  std::uint64_t offset = 0;
};

// BTRFS_IOC_TREE_SEARCH_V2 (man btrfs-ioctl), with room for what it finds: one leaf of the tree at least.
class Search {
 public:
  Search() : room_(sizeof(btrfs_ioctl_search_args_v2) + buffer_bytes) {}

  // Calls look(header, item) for what the tree of fd's subvolume has from there to the end of these inodes' extents.
  template <typename Look>
  void run(int fd, Place from, std::uint64_t last_ino, const Look& look) {
    for (auto* args = begin(last_ino); find(fd, from, *args);) {
      const auto* at = reinterpret_cast<const char*>(args->buf);
      for (std::uint32_t i = 0; i < args->key.nr_items; ++i) {
        btrfs_ioctl_search_header header;
        std::memcpy(&header, at, sizeof header);
        look(header, at + sizeof header);
        at += sizeof header + header.len;
        from = {header.objectid, header.type, header.offset + 1};
      }
    }
  }

 private:
  static constexpr std::size_t buffer_bytes = 64 << 10;

  btrfs_ioctl_search_args_v2* begin(std::uint64_t last_ino) {
    auto* args = reinterpret_cast<btrfs_ioctl_search_args_v2*>(room_.data());
    *args = {};
    args->buf_size = buffer_bytes;
    args->key.max_objectid = last_ino;
    args->key.max_type = BTRFS_EXTENT_DATA_KEY;
    args->key.max_offset = args->key.max_transid = any_offset;
    return args;
  }

  static bool find(int fd, const Place& from, btrfs_ioctl_search_args_v2& args) {
    args.key.min_objectid = from.ino;
    args.key.min_type = from.type;
    args.key.min_offset = from.offset;
    args.key.nr_items = std::numeric_limits<std::uint32_t>::max();
    check(::ioctl(fd, BTRFS_IOC_TREE_SEARCH_V2, &args), "BTRFS_IOC_TREE_SEARCH_V2");
    return args.key.nr_items != 0;
  }

  std::vector<char> room_;
};

Search& search_of_thread() {
  thread_local Search search;
  return search;
}

// An inline one has no place, and where it is 0 there is a hole.
template <typename Look>
void for_each_extent(int fd, std::uint64_t first_ino, std::uint64_t last_ino, const Look& look) {
  const auto look_at = [&](const btrfs_ioctl_search_header& header, const char* item) {
    btrfs_file_extent_item extent;
    if (header.type != BTRFS_EXTENT_DATA_KEY || header.len < sizeof extent) return;
    std::memcpy(&extent, item, sizeof extent);
    if (extent.type != BTRFS_FILE_EXTENT_INLINE && extent.disk_bytenr != 0) look(header.objectid, extent);
  };
  search_of_thread().run(fd, {first_ino, BTRFS_EXTENT_DATA_KEY, 0}, last_ino, look_at);
}

}  // namespace

std::map<std::uint64_t, std::uint64_t> stored_extents(int fd) {
  std::map<std::uint64_t, std::uint64_t> extents;
  const auto ino = stat_fd(fd).ino;
  for_each_extent(fd, ino, ino, [&](std::uint64_t, const btrfs_file_extent_item& extent) {
    extents[extent.disk_bytenr] = extent.disk_num_bytes;
  });
  return extents;
}

std::map<std::uint64_t, std::vector<ExtentPart>> extent_parts(int dir, std::span<const std::uint64_t> inos) {
  std::map<std::uint64_t, std::vector<ExtentPart>> parts;
  const auto add = [&](std::uint64_t ino, const btrfs_file_extent_item& extent) {
    const auto found = parts.find(ino);
    if (found == parts.end()) return;
    found->second.push_back(
        {extent.disk_bytenr, extent.disk_num_bytes, extent.offset, extent.num_bytes, extent.compression != 0});
  };
  for (const auto ino : inos) parts[ino];
  for (std::size_t first = 0, end = 0; first < inos.size(); first = end) {
    for (end = first + 1; end < inos.size() && inos[end] - inos[end - 1] < far;) ++end;
    for_each_extent(dir, inos[first], inos[end - 1], add);
  }
  return parts;
}

}  // namespace vunify
