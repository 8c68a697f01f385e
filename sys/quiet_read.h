// SPDX-License-Identifier: Apache-2.0
// Reading a file so that the page cache stays as it was: pages not resident before are not resident after. Guests need
// the cache more than we do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vunify {

// Reads one file from its beginning. RWF_DONTCACHE (Linux 6.14) leaves no new pages behind; before that, a file of
// which nothing was resident is dropped again when the reader is destroyed.
class QuietReader {
 public:
  // look: to know was_absent(), which costs a look at its pages.
  explicit QuietReader(int fd, bool look = false) : fd_(fd), look_(look) {}
  QuietReader(const QuietReader&) = delete;
  QuietReader& operator=(const QuietReader&) = delete;
  ~QuietReader();

  // Fills buffer from offset as far as the file goes; returns the bytes got, fewer only at its end. EIO throws.
  std::size_t read_at(std::uint64_t offset, std::span<char> buffer);
  // Nothing of the file was in the page cache before it was read.
  bool was_absent() const { return was_absent_; }

 private:
  std::size_t read_once(std::uint64_t offset, std::span<char> buffer);

  int fd_;
  bool look_;
  bool looked_ = false;
  bool was_absent_ = false;
};

// What is on disk of a file leaves the page cache.
void forget_pages(int fd);

// Where data may be, at offset or after it; the largest number where only a hole follows. What was preallocated and
// never written is a hole, too.
std::uint64_t next_data(int fd, std::uint64_t offset);

// For reads that the kernel makes by itself: fetches the file ahead, and when destroyed forgets it, unless some of it
// was in the page cache before; then it is fetched again, should it have been dropped.
class PageCacheGuard {
 public:
  explicit PageCacheGuard(int fd);
  PageCacheGuard(const PageCacheGuard&) = delete;
  ~PageCacheGuard();

 private:
  int fd_;
  bool was_absent_;
};

// How many bytes of a file are in the page cache (mincore(2)).
std::uint64_t resident_bytes(int fd);

}  // namespace vunify
