// SPDX-License-Identifier: Apache-2.0
#include "sys/quiet_read.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "sys/fd.h"
#include "sys/inode.h"

namespace vunify {
namespace {

// include/uapi/linux/fs.h, Linux 6.14; not in Debian 12's headers.
constexpr int rwf_dontcache = 0x80;
constexpr std::size_t page = 4096;

std::atomic<bool> kernel_forgets{true};  // false once preadv2 has refused RWF_DONTCACHE

}  // namespace

std::uint64_t resident_bytes(int fd) {
  const auto size = stat_fd(fd).stamp.size;
  if (size == 0) return 0;
  void* map = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) throw_errno("mmap");
  std::vector<unsigned char> pages((size + page - 1) / page);
  const int result = ::mincore(map, size, pages.data());
  ::munmap(map, size);
  check(result, "mincore");
  return page * static_cast<std::uint64_t>(std::ranges::count_if(pages, [](unsigned char p) { return p & 1; }));
}

PageCacheGuard::PageCacheGuard(int fd) : fd_(fd), was_absent_(resident_bytes(fd) == 0) {
  ::posix_fadvise(fd_, 0, 0, POSIX_FADV_WILLNEED);
}

PageCacheGuard::~PageCacheGuard() {
  if (was_absent_) ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
}

std::size_t QuietReader::read_once(std::uint64_t offset, std::span<char> buffer) {
  const iovec into{buffer.data(), buffer.size()};
  if (kernel_forgets) {
    const ssize_t got = ::preadv2(fd_, &into, 1, static_cast<off_t>(offset), rwf_dontcache);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EOPNOTSUPP && errno != EINVAL) throw_errno("preadv2");
    kernel_forgets = false;
  }
  if (!std::exchange(looked_, true)) was_absent_ = resident_bytes(fd_) == 0;
  return static_cast<std::size_t>(check(::preadv(fd_, &into, 1, static_cast<off_t>(offset)), "preadv"));
}

std::size_t QuietReader::read_at(std::uint64_t offset, std::span<char> buffer) {
  std::size_t got = 0;
  while (got < buffer.size()) {
    const auto more = read_once(offset + got, buffer.subspan(got));
    if (more == 0) break;
    got += more;
  }
  return got;
}

QuietReader::~QuietReader() {
  if (was_absent_) ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
}

}  // namespace vunify
