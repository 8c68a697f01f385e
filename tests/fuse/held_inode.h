// SPDX-License-Identifier: Apache-2.0
// Whoever opens or reads an inode is held there by the kernel until he is let go (fanotify(7), permission events): so
// a break stands still where a test wants it, on any filesystem.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/fanotify.h>

#include <string>

#include "sys/fd.h"

namespace vunify::test {

class HeldInode {
 public:
  // at: FAN_OPEN_PERM, FAN_ACCESS_PERM. path: beneath the mount, where the daemon comes to it.
  HeldInode(const std::string& path, std::uint64_t at)
      : asked_(check(::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC), "fanotify_init")) {
    check(::fanotify_mark(asked_.get(), FAN_MARK_ADD, at, AT_FDCWD, path.c_str()), "fanotify_mark", path);
  }

  // False where nobody came within a minute.
  bool has_come() const {
    pollfd ready{asked_.get(), POLLIN, 0};
    return ::poll(&ready, 1, 60'000) == 1;
  }
  void let_go() { asked_ = Fd(); }

 private:
  Fd asked_;
};

}  // namespace vunify::test
