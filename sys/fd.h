// SPDX-License-Identifier: Apache-2.0
// An open file that closes itself, and the project's one error idea: a failed system call throws std::system_error
// that names the call and its object. What a failed call leaves behind is said where the call is declared.
#pragma once

#include <sys/statvfs.h>

#include <cerrno>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace vunify {

// Throws std::system_error for errno; what() reads "call path: reason".
[[noreturn]] void throw_errno(std::string_view call, std::string_view path = {});

// Returns result, or throws for errno where it is negative.
template <typename T>
T check(T result, std::string_view call, std::string_view path = {}) {
  if (result < 0) throw_errno(call, path);
  return result;
}

inline bool is_error(const std::system_error& error, int number) {
  return error.code() == std::error_code(number, std::generic_category());
}
// Also where a quota has run out.
inline bool is_disk_full(const std::error_code& error) {
  return error == std::errc::no_space_on_device || error == std::error_code(EDQUOT, std::generic_category());
}
inline bool is_disk_full(const std::system_error& error) { return is_disk_full(error.code()); }

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  // From here on somebody else closes it.
  int give_away() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// Opens a path of the host's own (never one a guest controls: those go through RootDir).
Fd open_host(const std::string& path, int flags, unsigned mode = 0600);

// Another descriptor of the same open file.
Fd duplicate(int fd);

// "/proc/self/fd/N": a path to the very inode fd is open on, whatever its names lead to now.
std::string proc_path(int fd);

// Writes all of bytes, however many calls that takes.
void write_all(int fd, std::string_view bytes, std::string_view path);

// Writes all of bytes from offset on; what lies behind them stays.
void write_at(int fd, std::uint64_t offset, std::string_view bytes, std::string_view path);

// Makes a file this long (ftruncate(2)): what it had behind is gone, what it had not is a hole.
void resize(int fd, std::uint64_t bytes, std::string_view path);

// From here on no write to the first `bytes` of the file meets a full disk, also through a map, where it would be a
// SIGBUS (posix_fallocate(3)). A shorter file is made so long.
void reserve(int fd, std::uint64_t bytes, std::string_view path);

// Tries to set so many bytes of disk aside for what will be written to the file, whose size stays (fallocate(2)). False
// where there is no room, or the filesystem has no such call.
bool preallocate(int fd, std::uint64_t bytes);

// Reads what comes next of a host file; returns the bytes got, none at its end.
std::size_t read_some(int fd, std::span<char> buffer, std::string_view path);
// Reads the rest of a host file.
std::string read_all(int fd, std::string_view path);

// Makes what was written durable (fdatasync); of a whole filesystem (syncfs).
void sync_data(int fd, std::string_view path);
void sync_filesystem(int fd, std::string_view path);

// Bytes that a write may still take on the filesystem of fd, for root (statfs f_bfree), and its size.
struct Space {
  std::uint64_t free = 0;
  std::uint64_t total = 0;
};
Space space_of(int fd);
// All that statvfs(3) says; O_PATH will do.
struct statvfs statvfs_of(int fd);

}  // namespace vunify
