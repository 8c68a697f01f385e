// SPDX-License-Identifier: Apache-2.0
// In whose name something is done. What the caller may do the kernel has asked already (default_permissions); what is
// left is who owns what he makes, whose share of the disk it takes, and which bits go.
#pragma once

#include <optional>

#include "fuse/wire.h"
#include "sys/thread_ids.h"

namespace vunify {

// Until its end this thread makes files as the caller would: his ids, his umask where no default ACL stands for it, and
// setgid as he may set it. The thread has a umask of its own (part_umask).
class AsCaller {
 public:
  explicit AsCaller(const fuse_ctx& caller) {
    set_thread_umask(caller.umask);
    if (caller.uid != 0 || caller.gid != 0) user_.emplace(caller.uid, caller.gid);
  }
  ~AsCaller() { set_thread_umask(0); }

 private:
  std::optional<FileUser> user_;
};

// Until its end what this thread writes is not root's: it has no share in the filesystem's reserve.
class OnAccountOf {
 public:
  explicit OnAccountOf(const fuse_ctx& caller) {
    // -1: on an idmapped mount the kernel names nobody but who makes something.
    if (caller.uid != 0) user_.emplace(caller.uid == static_cast<uid_t>(-1) ? nobodys_id : caller.uid, 0);
  }

 private:
  std::optional<FileUser> user_;
};

}  // namespace vunify
