// SPDX-License-Identifier: Apache-2.0
#include "fuse/lifted_flag.h"

#include "sys/inode.h"

namespace vunify {

LiftedFlag::LiftedFlag(const BreakStaging& staging, int fd)
    : staging_(staging), fd_(fd), protection_(protection_of(fd)) {
  if (!must_lift(protection_)) return;
  note_ = staging_.note_lifted(fd_);
  unprotect(fd_);
}

LiftedFlag::~LiftedFlag() {
  if (!must_lift(protection_)) return;
  try {
    if (stat_fd(fd_).nlink > 0) protect(fd_, protection_);
    staging_.forget_lifted(note_);
  } catch (const std::system_error&) {  // the next mount, or vunify's next run, finds it unprotected
  }
}

}  // namespace vunify
