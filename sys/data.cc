// SPDX-License-Identifier: Apache-2.0
#include "sys/data.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/fd.h"

namespace vunify {

std::size_t read_bytes(int fd, off_t offset, std::span<char> buffer) {
  return static_cast<std::size_t>(check(::pread(fd, buffer.data(), buffer.size(), offset), "pread"));
}

std::size_t write_bytes(int fd, off_t offset, std::span<const char> bytes) {
  return static_cast<std::size_t>(check(::pwrite(fd, bytes.data(), bytes.size(), offset), "pwrite"));
}

void allocate(int fd, int mode, off_t offset, off_t length) {
  check(::fallocate(fd, mode, offset, length), "fallocate");
}

off_t seek(int fd, off_t offset, int whence) { return check(::lseek(fd, offset, whence), "lseek"); }

std::size_t copy_bytes(int from, off_t from_offset, int to, off_t to_offset, std::size_t length) {
  return static_cast<std::size_t>(
      check(::copy_file_range(from, &from_offset, to, &to_offset, length, 0), "copy_file_range"));
}

void sync_all(int fd) { check(::fsync(fd), "fsync"); }

std::span<const char> read_entries(int dir, off_t place, std::span<char> buffer) {
  if (place != 0) seek(dir, place, SEEK_SET);
  const long got = check(::syscall(SYS_getdents64, dir, buffer.data(), buffer.size()), "getdents64");
  return buffer.first(static_cast<std::size_t>(got));
}

DirectoryEntry take_entry(std::span<const char>& entries) {
  const auto* raw = reinterpret_cast<const dirent64*>(entries.data());
  entries = entries.subspan(raw->d_reclen);
  return {raw->d_ino, raw->d_off, raw->d_type, raw->d_name};
}

}  // namespace vunify
