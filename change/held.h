// SPDX-License-Identifier: Apache-2.0
// An inode held open, and what was seen of it then: what has to be true still at the moment it is changed.
#pragma once

#include <optional>

#include "change/metadata.h"
#include "sys/fd.h"
#include "sys/inode.h"
#include "sys/lease.h"

namespace vunify {

struct Held {
  Fd fd;
  std::optional<Lease> lease;  // absent in a dry run
  Inode seen;
  InodeMetadata metadata;

  // The lease ends with it.
  void close() {
    if (lease) std::move(*lease).end_with(std::move(fd));
    lease.reset();
    fd = {};
  }

  // Nobody changed it since it was seen. The ctime of a shared inode moves with every name that another guest removes:
  // of one, its metadata is read again.
  bool is_still(bool shared) const { return is_still(stat_fd(fd.get()), shared); }
  // As it was found just now.
  bool is_still(const Inode& now, bool shared) const {
    if (shared) return read_metadata(fd.get()) == metadata;
    return now.stamp.ctime == seen.stamp.ctime;
  }
};

}  // namespace vunify
