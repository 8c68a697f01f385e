// SPDX-License-Identifier: Apache-2.0
// In whose name something is done. Whether the caller may do it the kernel has asked already (default_permissions);
// what is left is who owns what he makes, whose share of the disk it takes, and which bits go.
#pragma once

#include "fuse/wire.h"
#include "sys/capability.h"
#include "sys/thread_ids.h"

namespace vunify {

// Until its end this thread makes files as the caller would: his ids, his umask where no default ACL stands for it, and
// setgid as he may set it. The thread has a umask of its own (begin_thread).
class AsCaller {
 public:
  explicit AsCaller(const fuse_ctx& caller) : user_(caller.uid, caller.gid, let_through) {
    set_thread_umask(caller.umask);
  }

 private:
  // The kernel, which knows all groups that he is in, has asked whether he may.
  static constexpr unsigned let_through = 1U << dac_override | 1U << dac_read_search | 1U << make_nodes;

  FileUser user_;
};

// Until its end what this thread writes is on nobody's account, as what the kernel writes by itself: it has no share in
// the filesystem's reserve. Setuid and setgid go with it, or stay.
class Writing {
 public:
  // fd: what is written to. Setgid that is no right, of a file that its group may not execute, stays with who is in it.
  Writing(fuse_req_t request, int fd, bool clears_setid);

 private:
  FileUser nobody_;
};

// Idmapped mounts have a price: the kernel names the caller to us only where something is made. What he may do is told
// by /proc then, and asked only where it matters, of a file with setuid or setgid.
bool clears_setid(fuse_req_t request, int fd);
// The same for a change of the owner or the mode: members of the file's group keep setgid, too.
bool clears_setgid(fuse_req_t request, const struct stat& file);

}  // namespace vunify
