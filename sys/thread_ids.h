// SPDX-License-Identifier: Apache-2.0
// In whose name a thread's system calls are made: setfsuid(2), setfsgid(2), umask(2) and the capabilities in force are
// kept for each thread by the kernel, though their C library wrappers do not say so.
#pragma once

#include <sys/types.h>

namespace vunify {

// A new thread has the ids and capabilities in force of the one that made it: from here on it has root's, and a umask of
// its own (unshare(2), CLONE_FS).
void begin_thread();
void set_thread_umask(mode_t mask);

// An id that no account has (2^32-3): its writes have no share in the blocks that a filesystem reserves for root or for
// another account (ext4's resuid), and clear setuid and setgid as anybody's do.
inline constexpr uid_t nobodys_id = 0xFFFFFFFD;

// Until its end this thread acts as another user with respect to files. The kernel takes the capabilities that concern
// files out of force meanwhile.
class FileUser {
 public:
  explicit FileUser(uid_t uid);
  // With the group, and with the capability to pass permission checks left in force (CAP_DAC_OVERRIDE): who asks was
  // let through already, by somebody who knows all groups it is in.
  FileUser(uid_t uid, gid_t gid);
  ~FileUser();
  FileUser(const FileUser&) = delete;

 private:
  bool has_group_ = false;
};

// Until its end this thread has CAP_FSETID in force, or not: without it what it writes, truncates and changes the owner
// of loses setuid and setgid as for an unprivileged caller. Neither does anything where `wanted` is false.
class WithFsetid {
 public:
  explicit WithFsetid(bool wanted);
};
class WithoutFsetid {
 public:
  explicit WithoutFsetid(bool wanted);
  ~WithoutFsetid();
  WithoutFsetid(const WithoutFsetid&) = delete;

 private:
  bool wanted_;
};

}  // namespace vunify
