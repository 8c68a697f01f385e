// SPDX-License-Identifier: Apache-2.0
// The bytes of one file given to another: by reflink where the filesystem has it, else by copying what is not a hole.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace vunify {

// Makes the empty file `to` hold what `from` holds: FICLONE, else its data segments with the holes kept. On failure
// (ENOSPC, EDQUOT, EIO; EINTR when a signal, or stop() asked between two pieces, says so) `to` is left half written.
// True where the data is shared: nothing of it is left to be written to the disk.
bool copy_contents(int from, int to, const std::function<bool()>& stop = {});

// True where the filesystem that dir lies on can share data between inodes: FICLONE is tried on two unnamed files.
bool has_reflink(int dir);

// Makes `to` share the data of `from` as far as both hold the same bytes; the kernel compares them under its own locks
// (FIDEDUPERANGE). False where they turned out to differ. Metadata of neither changes. Throws EINVAL and the like.
bool share_data(int from, int to, std::uint64_t size);

// One piece of a file on disk (FIEMAP), in bytes.
struct Extent {
  std::uint64_t logical = 0;
  std::uint64_t physical = 0;
  std::uint64_t length = 0;
  bool shared = false;
  bool in_metadata = false;  // inline, delayed: it has no place of its own that could be compared or shared
  bool delayed = false;      // it is not written yet
  bool unwritten = false;    // it reads as zeros: fallocate(2)
  bool encoded = false;      // compressed: it takes less than its length
};
// In logical order; flush: what is not written yet is written first. Throws where the filesystem has no FIEMAP.
std::vector<Extent> extents_of(int fd, bool flush = false);
// Of these bytes of a file, for how many the filesystem has blocks already. None where it has no FIEMAP.
std::uint64_t allocated_bytes(int fd, std::uint64_t begin, std::uint64_t end);

}  // namespace vunify
