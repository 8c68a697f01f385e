// SPDX-License-Identifier: Apache-2.0
#include "sys/quiet_read.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <vector>

#include "sys/fd.h"
#include "sys/inode.h"

namespace vunify {
namespace {

// include/uapi/linux/fs.h, Linux 6.14; not in Debian 12's headers.
constexpr int rwf_dontcache = 0x80;
constexpr std::size_t page = 4096;
constexpr std::uint64_t window = 64 << 20;  // looked at in one go; holes, terabytes maybe, are passed over

std::atomic<bool> kernel_forgets{true};  // false once preadv2 has refused RWF_DONTCACHE

}  // namespace

std::uint64_t next_data(int fd, std::uint64_t offset) {
  const auto data = ::lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
  if (data >= 0) return static_cast<std::uint64_t>(data);
  return errno == ENXIO ? std::numeric_limits<std::uint64_t>::max() : offset;  // any other error shows when it is read
}

std::uint64_t resident_bytes(int fd) {
  const auto size = stat_fd(fd).stamp.size;
  std::vector<unsigned char> pages(std::min(size, window) / page + 1);
  std::uint64_t resident = 0;
  for (std::uint64_t at = 0; (at = next_data(fd, at) / page * page) < size; at += window) {
    const auto length = std::min(size - at, window);
    void* map = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(at));
    if (map == MAP_FAILED) throw_errno("mmap");
    const int result = ::mincore(map, length, pages.data());
    ::munmap(map, length);
    check(result, "mincore");
    resident += static_cast<std::uint64_t>(
        std::count_if(pages.begin(), pages.begin() + static_cast<std::ptrdiff_t>((length + page - 1) / page),
                      [](unsigned char p) { return p & 1; }));
  }
  return page * resident;
}

PageCacheGuard::PageCacheGuard(int fd) : fd_(fd), was_absent_(resident_bytes(fd) == 0) {
  const auto inode = stat_fd(fd);
  if (inode.bytes_on_disk() >= inode.stamp.size) ::posix_fadvise(fd_, 0, 0, POSIX_FADV_WILLNEED);  // else holes, too
}

// XFS drops the pages of a file whose data it made shared.
PageCacheGuard::~PageCacheGuard() {
  ::posix_fadvise(fd_, 0, 0, was_absent_ ? POSIX_FADV_DONTNEED : POSIX_FADV_WILLNEED);
}

std::size_t QuietReader::read_once(std::uint64_t offset, std::span<char> buffer) {
  const iovec into{buffer.data(), buffer.size()};
  if ((look_ || !kernel_forgets) && !std::exchange(looked_, true)) was_absent_ = resident_bytes(fd_) == 0;
  if (kernel_forgets) {
    const ssize_t got = ::preadv2(fd_, &into, 1, static_cast<off_t>(offset), rwf_dontcache);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EOPNOTSUPP && errno != EINVAL) throw_errno("preadv2");
    kernel_forgets = false;
    return read_once(offset, buffer);
  }
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

void forget_pages(int fd) { ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); }

QuietReader::~QuietReader() {
  if (was_absent_ && !kernel_forgets) ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
}

}  // namespace vunify
