// SPDX-License-Identifier: Apache-2.0
#include "sys/thread_ids.h"

#include <sched.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "sys/capability.h"
#include "sys/fd.h"

namespace vunify {

namespace {

thread_local mode_t umask_of_thread = ~mode_t{0};  // not known yet

}  // namespace

void begin_thread() {
  ::setfsgid(0);
  ::setfsuid(0);
  change_capabilities_in_force(~0U, 0);
  check(::unshare(CLONE_FS), "unshare");
}

// The C library's wrapper has all threads call it, those in a sandbox, too.
void leave_groups() { check(::syscall(SYS_setgroups, 0, nullptr), "setgroups"); }

void set_thread_umask(mode_t mask) {
  if (mask == umask_of_thread) return;
  ::umask(mask);
  umask_of_thread = mask;
}

FileUser::FileUser(uid_t uid, gid_t gid, unsigned stay) : gid_(gid) {
  if (gid_ != 0) ::setfsgid(gid_);
  ::setfsuid(uid);
  if (uid != 0 && stay != 0) change_capabilities_in_force(stay, 0);
}

FileUser::~FileUser() {
  ::setfsuid(0);  // and the capabilities are in force again
  if (gid_ != 0) ::setfsgid(0);
}

WithoutFsetid::WithoutFsetid(bool wanted) : wanted_(wanted) {
  if (wanted_) change_capabilities_in_force(0, 1U << keep_setid);
}

WithoutFsetid::~WithoutFsetid() {
  if (wanted_) change_capabilities_in_force(1U << keep_setid, 0);
}

}  // namespace vunify
