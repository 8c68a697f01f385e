// SPDX-License-Identifier: Apache-2.0
#include "fuse/sandbox.h"

#include <sched.h>
#include <seccomp.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include "sys/capability.h"
#include "sys/thread_ids.h"

namespace vunify {
namespace {

// Not among them CAP_SYS_RESOURCE: quotas and the filesystem's reserve hold for what is written here.
constexpr unsigned needed = 1U << change_owner | 1U << dac_override | 1U << dac_read_search | 1U << act_as_owner |
                            1U << keep_setid | 1U << set_groups | 1U << set_users | 1U << linux_immutable |
                            1U << administer | 1U << make_nodes | 1U << set_file_caps;

constexpr const char* calls[] = {
    // the device, and memory
    "read", "readv", "write", "writev", "ioctl", "close", "mmap", "munmap", "mprotect", "mremap", "madvise", "brk",
    // names
    "open", "openat", "openat2", "newfstatat", "fstat", "statx", "mkdirat", "mknodat", "symlinkat", "linkat",
    "unlinkat", "renameat", "renameat2", "readlink", "readlinkat", "getdents64", "name_to_handle_at",
    "open_by_handle_at", "dup", "fcntl",
    // inodes
    "fchownat", "fchown", "fchmod", "fchmodat", "fchmodat2", "chmod", "utimensat", "ftruncate", "getxattr", "lgetxattr",
    "fgetxattr", "setxattr", "lsetxattr", "fsetxattr", "listxattr", "llistxattr", "flistxattr", "removexattr",
    "lremovexattr", "fremovexattr", "fstatfs", "statfs", "flock",
    // contents
    "pread64", "pwrite64", "lseek", "fallocate", "copy_file_range", "fsync", "fdatasync", "sync_file_range",
    "inotify_init1", "inotify_add_watch", "inotify_rm_watch",
    // in whose name
    "setfsuid", "setfsgid", "umask", "capget", "capset",
    // threads, signals, the end
    "clone", "clone3", "futex", "set_robust_list", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "rt_sigtimedwait", "sigaltstack", "gettid", "getpid", "tgkill", "sched_yield", "sched_getaffinity", "clock_gettime",
    "clock_nanosleep", "nanosleep", "getrandom", "prctl", "arch_prctl", "umount2", "rmdir", "exit", "exit_group",
    "restart_syscall", "membarrier", "prlimit64",
    // the journal's socket and ours (fuse/control)
    "sendto", "recvfrom", "accept4", "getsockopt", "poll", "ppoll", "shutdown"};

// include/uapi/linux/... of Linux 6.13: newer than the library's table of names.
constexpr int newer_calls[] = {463, 464, 465, 466};  // setxattrat, getxattrat, listxattrat, removexattrat

void expect(int result) {
  if (result != 0) throw std::system_error(-result, std::generic_category(), "seccomp");
}

void allow_with(scmp_filter_ctx filter, const char* call, scmp_datum_t first_argument) {
  const scmp_arg_cmp equals{0, SCMP_CMP_EQ, first_argument, 0};
  expect(seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(call), 1, &equals));
}

// What is not allowed is answered as by a kernel that does not have it.
void allow_calls() {
  const std::unique_ptr<void, decltype(&seccomp_release)> filter(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)), seccomp_release);
  if (!filter) throw std::bad_alloc();
  for (const char* call : calls) {
    const int number = seccomp_syscall_resolve_name(call);
    if (number != __NR_SCMP_ERROR) expect(seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, number, 0));
  }
  for (const int number : newer_calls) expect(seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, number, 0));
  allow_with(filter.get(), "kill", static_cast<scmp_datum_t>(::getpid()));
  allow_with(filter.get(), "unshare", CLONE_FS);
  expect(seccomp_load(filter.get()));
}

}  // namespace

void enter_sandbox() {
  leave_groups();
  keep_capabilities(needed);
  allow_calls();
}

}  // namespace vunify
