// SPDX-License-Identifier: Apache-2.0
// A shared inode whose protection is lifted for a moment, in which one of its names is moved or removed.
#pragma once

#include <system_error>

#include "change/protection.h"
#include "sys/inode.h"

namespace vunify {

class LiftedFlag {
 public:
  // Only where it is protected by a flag that keeps its names, too. fd stays the caller's.
  explicit LiftedFlag(int fd) : fd_(fd), protection_(protection_of(fd)) {
    if (must_lift(protection_)) unprotect(fd_);
  }
  // Others have it still: it is protected again. What has no name any more is nobody's.
  ~LiftedFlag() {
    if (!must_lift(protection_)) return;
    try {
      if (stat_fd(fd_).nlink > 0) protect(fd_, protection_);
    } catch (const std::system_error&) {  // vunify's next run finds it unprotected
    }
  }
  LiftedFlag(const LiftedFlag&) = delete;

 private:
  int fd_;
  Protection protection_;
};

}  // namespace vunify
