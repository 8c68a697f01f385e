// SPDX-License-Identifier: Apache-2.0
// A file whose lock others look for before they begin, as systemd has it (make_lock_file() of systemd's lock-util.c):
// the lock is for writing, of the open file (fcntl(2), F_OFD_SETLK), and who gives it up removes the name.
#pragma once

#include <optional>
#include <string>

#include "sys/fd.h"

namespace vunify {

class LockFile {
 public:
  // Makes the file where it is missing. Nothing where somebody else has it locked.
  static std::optional<LockFile> take(const std::string& path);
  // Whether somebody has it now. Who tries to take it meanwhile notices nothing.
  static bool is_taken(const std::string& path);
  LockFile(LockFile&&) = default;
  ~LockFile();

 private:
  LockFile(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  Fd fd_;
};

// One byte of a file, held by one program at a time: who wants it waits (F_OFD_SETLKW). Unlike a mutex in shared memory
// it goes on to the next also where a holder, or one of those that wait, is killed.
class Turn {
 public:
  Turn(int fd, off_t byte);
  ~Turn();
  Turn(const Turn&) = delete;

 private:
  int fd_;
  off_t byte_;
};

}  // namespace vunify
