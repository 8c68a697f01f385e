// SPDX-License-Identifier: Apache-2.0
// The bytes of an open file, for one who serves them to somebody else: each function is one system call, with its
// arguments, and may do less than was asked for as the call may. All throw std::system_error.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>

namespace vunify {

std::size_t read_bytes(int fd, off_t offset, std::span<char> buffer);
std::size_t write_bytes(int fd, off_t offset, std::span<const char> bytes);
void allocate(int fd, int mode, off_t offset, off_t length);  // fallocate(2)
off_t seek(int fd, off_t offset, int whence);
std::size_t copy_bytes(int from, off_t from_offset, int to, off_t to_offset, std::size_t length);
void sync_all(int fd);  // fsync(2)

// The entries of a directory from a place on, as getdents64(2) fills the buffer; none at its end.
std::span<const char> read_entries(int dir, off_t place, std::span<char> buffer);

// One of read_entries().
struct DirectoryEntry {
  unsigned long long ino = 0;
  off_t next = 0;          // the place behind it
  unsigned char type = 0;  // DT_...
  const char* name = "";
};
// Takes the first entry off what read_entries() gave.
DirectoryEntry take_entry(std::span<const char>& entries);

}  // namespace vunify
