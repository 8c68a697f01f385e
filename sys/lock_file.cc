// SPDX-License-Identifier: Apache-2.0
#include "sys/lock_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "sys/inode.h"

namespace vunify {
namespace {

bool lock_for_writing(int fd, const std::string& path) {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(fd, F_OFD_SETLK, &whole) == 0) return true;
  if (errno != EAGAIN && errno != EACCES) throw_errno("F_OFD_SETLK", path);
  return false;
}

struct flock lock_of_byte(short type, off_t byte) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;
}

}  // namespace

// One who waited for another may hold a file that has no name any more.
std::optional<LockFile> LockFile::take(const std::string& path) {
  for (;;) {
    Fd fd = open_host(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY);
    if (!lock_for_writing(fd.get(), path)) return std::nullopt;
    if (stat_fd(fd.get()).nlink > 0) return LockFile(path, std::move(fd));
  }
}

bool LockFile::is_taken(const std::string& path) {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  try {
    const Fd fd = open_host(path, O_RDONLY | O_NOFOLLOW | O_NOCTTY);
    check(::fcntl(fd.get(), F_OFD_GETLK, &whole), "F_OFD_GETLK", path);
    return whole.l_type != F_UNLCK;
  } catch (const std::system_error& error) {
    if (is_error(error, ENOENT)) return false;
    throw;
  }
}

LockFile::~LockFile() {
  if (fd_) ::unlink(path_.c_str());
}

Turn::Turn(int fd, off_t byte) : fd_(fd), byte_(byte) {
  auto lock = lock_of_byte(F_WRLCK, byte);
  while (::fcntl(fd, F_OFD_SETLKW, &lock) != 0)
    if (errno != EINTR) throw_errno("F_OFD_SETLKW");
}

Turn::~Turn() {
  auto lock = lock_of_byte(F_UNLCK, byte_);
  ::fcntl(fd_, F_OFD_SETLK, &lock);
}

}  // namespace vunify
