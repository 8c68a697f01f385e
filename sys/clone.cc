// SPDX-License-Identifier: Apache-2.0
#include "sys/clone.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "sys/fd.h"
#include "sys/inode.h"
#include "sys/quiet_read.h"
#include "sys/stop.h"

namespace vunify {
namespace {

constexpr std::size_t copy_round = 16 << 20;  // between two looks at whether we are to stop

// Filesystems shorten or refuse longer rounds: btrfs stops at 16 MiB (fs/btrfs/reflink.c, BTRFS_MAX_DEDUPE_LEN).
constexpr std::uint64_t dedupe_round = 16 << 20;

bool clone_refused() { return errno == EOPNOTSUPP || errno == ENOTTY || errno == EXDEV || errno == EINVAL; }

// Returns where the copied piece ends: before `end` where the file became shorter.
off_t copy_range(int from, int to, off_t begin, off_t end, const std::function<bool()>& stop) {
  loff_t in = begin, out = begin;
  while (in < end) {
    if (Stop().signal() != 0 || (stop && stop())) {
      errno = EINTR;
      throw_errno("copy_file_range");
    }
    const auto left = std::min(static_cast<std::size_t>(end - in), copy_round);
    const ssize_t copied = check(::copy_file_range(from, &in, to, &out, left, 0), "copy_file_range");
    if (copied == 0) break;
  }
  return out;
}

// Returns where the last one ends, which is the size of `to`.
off_t copy_segments(int from, int to, off_t size, const std::function<bool()>& stop) {
  off_t end = 0;
  for (off_t at = 0; at < size;) {
    const off_t data = ::lseek(from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return end;
    check(data, "lseek");
    at = check(::lseek(from, data, SEEK_HOLE), "lseek");
    end = copy_range(from, to, data, at, stop);
  }
  return end;
}

Extent from_fiemap(const fiemap_extent& piece) {
  constexpr unsigned unplaced = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_NOT_ALIGNED |
                                FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_DATA_TAIL;
  return {piece.fe_logical,
          piece.fe_physical,
          piece.fe_length,
          (piece.fe_flags & FIEMAP_EXTENT_SHARED) != 0,
          (piece.fe_flags & unplaced) != 0,
          (piece.fe_flags & FIEMAP_EXTENT_DELALLOC) != 0,
          (piece.fe_flags & FIEMAP_EXTENT_UNWRITTEN) != 0,
          (piece.fe_flags & FIEMAP_EXTENT_ENCODED) != 0};
}

}  // namespace

bool copy_contents(int from, int to, const std::function<bool()>& stop) {
  if (::ioctl(to, FICLONE, from) == 0) return true;
  if (!clone_refused()) throw_errno("FICLONE");
  const auto size = static_cast<off_t>(stat_fd(from).stamp.size);
  if (copy_segments(from, to, size, stop) != size) check(::ftruncate(to, size), "ftruncate");
  return false;
}

bool has_reflink(int dir) {
  const auto path = proc_path(dir);
  const Fd from = open_host(path, O_TMPFILE | O_RDWR);
  const Fd to = open_host(path, O_TMPFILE | O_RDWR);
  write_all(from.get(), "reflink?", path);
  return ::ioctl(to.get(), FICLONE, from.get()) == 0;
}

bool share_data(int from, int to, std::uint64_t size) {
  alignas(file_dedupe_range) char room[sizeof(file_dedupe_range) + sizeof(file_dedupe_range_info)];
  // Where both have a hole there is nothing to share, and a terabyte of zeros to compare.
  for (std::uint64_t at = 0; (at = std::min(next_data(from, at), next_data(to, at))) < size;) {
    std::fill(std::begin(room), std::end(room), '\0');
    auto* range = reinterpret_cast<file_dedupe_range*>(room);
    range->src_offset = at;
    range->src_length = std::min(size - at, dedupe_round);
    range->dest_count = 1;
    range->info[0].dest_fd = to;
    range->info[0].dest_offset = at;
    check(::ioctl(from, FIDEDUPERANGE, range), "FIDEDUPERANGE");
    const auto& answer = range->info[0];
    if (answer.status == FILE_DEDUPE_RANGE_DIFFERS || answer.bytes_deduped == 0) {
      if (answer.status >= 0) return false;
    }
    if (answer.status < 0) {
      errno = -answer.status;
      throw_errno("FIDEDUPERANGE");
    }
    at += answer.bytes_deduped;
  }
  return true;
}

std::vector<Extent> extents_of(int fd, bool flush) {
  constexpr unsigned pieces = 64;
  alignas(fiemap) char room[sizeof(fiemap) + pieces * sizeof(fiemap_extent)];
  std::vector<Extent> extents;
  for (std::uint64_t at = 0;;) {
    std::fill(std::begin(room), std::begin(room) + sizeof(fiemap), '\0');
    auto* map = reinterpret_cast<fiemap*>(room);
    map->fm_start = at;
    map->fm_length = FIEMAP_MAX_OFFSET - at;
    map->fm_flags = flush ? FIEMAP_FLAG_SYNC : 0;
    map->fm_extent_count = pieces;
    check(::ioctl(fd, FS_IOC_FIEMAP, map), "FS_IOC_FIEMAP");
    if (map->fm_mapped_extents == 0) return extents;
    for (unsigned i = 0; i < map->fm_mapped_extents; ++i) extents.push_back(from_fiemap(map->fm_extents[i]));
    const auto& last = map->fm_extents[map->fm_mapped_extents - 1];
    if (last.fe_flags & FIEMAP_EXTENT_LAST) return extents;
    at = last.fe_logical + last.fe_length;
  }
}

std::uint64_t allocated_bytes(int fd, std::uint64_t begin, std::uint64_t end) {
  constexpr unsigned pieces = 64;
  alignas(fiemap) char room[sizeof(fiemap) + pieces * sizeof(fiemap_extent)];
  std::uint64_t bytes = 0;
  for (auto at = begin; at < end;) {
    std::fill(std::begin(room), std::begin(room) + sizeof(fiemap), '\0');
    auto* map = reinterpret_cast<fiemap*>(room);
    map->fm_start = at;
    map->fm_length = end - at;
    map->fm_extent_count = pieces;
    if (::ioctl(fd, FS_IOC_FIEMAP, map) != 0 || map->fm_mapped_extents == 0) break;
    for (unsigned i = 0; i < map->fm_mapped_extents; ++i) {
      const auto& piece = map->fm_extents[i];
      const auto from = std::max<std::uint64_t>(piece.fe_logical, at),
                 to = std::min<std::uint64_t>(piece.fe_logical + piece.fe_length, end);
      bytes += to > from ? to - from : 0;
    }
    const auto& last = map->fm_extents[map->fm_mapped_extents - 1];
    at = last.fe_logical + last.fe_length;
    if ((last.fe_flags & FIEMAP_EXTENT_LAST) != 0) break;
  }
  return bytes;
}

}  // namespace vunify
