// SPDX-License-Identifier: Apache-2.0
// In whose name a thread's system calls are made: setfsuid(2), setfsgid(2), umask(2) and the capabilities in force are
// kept for each thread by the kernel, though their C library wrappers do not say so.
#pragma once

#include <sys/types.h>

namespace vunify {

// A new thread has the ids and capabilities in force of the one that made it: from here on it has root's, and a umask
// of its own (unshare(2), CLONE_FS).
void begin_thread();
void set_thread_umask(mode_t mask);

// For this thread and those that it starts: in no group beside the one that FileUser gives it.
void leave_groups();

// An id that no account has (2^32-3): its writes have no share in the blocks that a filesystem reserves for root or for
// another account (ext4's resuid), and clear setuid and setgid as anybody's do. The same of groups.
inline constexpr uid_t nobodys_id = 0xFFFFFFFD;

// Until its end this thread acts as another user with respect to files. The kernel takes the capabilities that concern
// files out of force meanwhile, where that is not root; stay: a mask of those that are in force all the same.
class FileUser {
 public:
  explicit FileUser(uid_t uid, gid_t gid = 0, unsigned stay = 0);
  ~FileUser();
  FileUser(const FileUser&) = delete;

 private:
  gid_t gid_;
};

// Until its end this thread has no CAP_FSETID in force: what it writes, truncates and changes the owner of loses setuid
// and setgid as for an unprivileged caller. Does nothing where `wanted` is false.
class WithoutFsetid {
 public:
  explicit WithoutFsetid(bool wanted);
  ~WithoutFsetid();
  WithoutFsetid(const WithoutFsetid&) = delete;

 private:
  bool wanted_;
};

}  // namespace vunify
