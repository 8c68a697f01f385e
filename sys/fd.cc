// SPDX-License-Identifier: Apache-2.0
#include "sys/fd.h"

#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace vunify {

void throw_errno(std::string_view call, std::string_view path) {
  const int number = errno;
  std::string what(path.empty() ? call : path);
  throw std::system_error(number, std::generic_category(), what);
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Fd open_host(const std::string& path, int flags, unsigned mode) {
  return Fd(check(::open(path.c_str(), flags | O_CLOEXEC, mode), "open", path));
}

Fd duplicate(int fd) { return Fd(check(::fcntl(fd, F_DUPFD_CLOEXEC, 0), "fcntl")); }

std::string proc_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

void write_all(int fd, std::string_view bytes, std::string_view path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    bytes.remove_prefix(static_cast<std::size_t>(check(written, "write", path)));
  }
}

void write_at(int fd, std::uint64_t offset, std::string_view bytes, std::string_view path) {
  while (!bytes.empty()) {
    const ssize_t written = check(::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)), "pwrite", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

void resize(int fd, std::uint64_t bytes, std::string_view path) {
  check(::ftruncate(fd, static_cast<off_t>(bytes)), "ftruncate", path);
}

void reserve(int fd, std::uint64_t bytes, std::string_view path) {
  errno = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));
  if (errno != 0) throw_errno("fallocate", path);
}

bool preallocate(int fd, std::uint64_t bytes) {
  return ::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) == 0;
}

std::size_t read_some(int fd, std::span<char> buffer, std::string_view path) {
  return static_cast<std::size_t>(check(::read(fd, buffer.data(), buffer.size()), "read", path));
}

std::string read_all(int fd, std::string_view path) {
  std::string text;
  char buffer[1 << 16];
  while (const auto got = read_some(fd, buffer, path)) text.append(buffer, got);
  return text;
}

void sync_data(int fd, std::string_view path) { check(::fdatasync(fd), "fdatasync", path); }

void sync_filesystem(int fd, std::string_view path) { check(::syncfs(fd), "syncfs", path); }

Space space_of(int fd) {
  struct statfs fs {};
  check(::fstatfs(fd, &fs), "statfs");
  const auto block = static_cast<std::uint64_t>(fs.f_bsize);
  return {fs.f_bfree * block, fs.f_blocks * block};
}

struct statvfs statvfs_of(int fd) {
  struct statvfs fs {};
  check(::fstatvfs(fd, &fs), "statvfs");
  return fs;
}

}  // namespace vunify
