// SPDX-License-Identifier: Apache-2.0
#include "inside/confine.h"

#include <sched.h>
#include <seccomp.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include "sys/capability.h"

namespace vunify {
namespace {

// include/uapi/linux/capability.h: CAP_KILL, CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT.
constexpr unsigned send_signals = 5, set_capabilities = 8, bind_ports = 10, change_root = 18;

// What podman(1) 4 gives a container that nobody asked more for: packages of all distributions install with it. Not
// CAP_MKNOD, CAP_LINUX_IMMUTABLE, CAP_SYS_PTRACE, CAP_SYS_ADMIN.
constexpr std::uint64_t needed = 1U << change_owner | 1U << dac_override | 1U << act_as_owner | 1U << keep_setid |
                                 1U << send_signals | 1U << set_groups | 1U << set_users | 1U << set_capabilities |
                                 1U << bind_ports | 1U << change_root | 1U << set_file_caps;

// What no capability stands before, and reaches beyond the guest: the keys of the host's root, and the parts of the
// kernel that a package manager has no use for.
constexpr const char* denied[] = {"add_key",         "keyctl",      "request_key",       "bpf",
                                  "perf_event_open", "userfaultfd", "io_uring_setup",    "io_uring_enter",
                                  "setns",           "kcmp",        "io_uring_register", "open_by_handle_at"};

void expect(int result) {
  if (result != 0) throw std::system_error(-result, std::generic_category(), "seccomp");
}

// In a user namespace of his own he would have all capabilities over it.
void deny_user_namespaces(scmp_filter_ctx filter, const char* call) {
  const scmp_arg_cmp has_kind{0, SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER};
  expect(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), seccomp_syscall_resolve_name(call), 1, &has_kind));
}

// Programs of the same machine's other instruction set run, too, under the same rules.
void add_other_calls(scmp_filter_ctx filter) {
#if defined(__x86_64__)
  expect(seccomp_arch_add(filter, SCMP_ARCH_X86));
  expect(seccomp_arch_add(filter, SCMP_ARCH_X32));
#elif defined(__aarch64__)
  expect(seccomp_arch_add(filter, SCMP_ARCH_ARM));
#endif
}

void deny_calls() {
  const std::unique_ptr<void, decltype(&seccomp_release)> filter(seccomp_init(SCMP_ACT_ALLOW), seccomp_release);
  if (!filter) throw std::bad_alloc();
  add_other_calls(filter.get());
  expect(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_NNP, 0));
  for (const char* call : denied)
    expect(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), seccomp_syscall_resolve_name(call), 0));
  for (const char* call : {"clone", "unshare"}) deny_user_namespaces(filter.get(), call);
  // Its flags lie in memory: whoever is told that there is no such call uses clone(2).
  expect(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), seccomp_syscall_resolve_name("clone3"), 0));
  expect(seccomp_load(filter.get()));
}

}  // namespace

void confine(std::uint64_t bounding) {
  deny_calls();
  limit_capabilities(needed & bounding);
}

// dpkg(1): what stands in DPKG_FORCE replaces what is forced by default, the first two.
std::vector<std::string> environment_inside(bool is_running) {
  std::vector<std::string> environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                          "HOME=/root",
                                          "USER=root",
                                          "LOGNAME=root",
                                          "SHELL=/bin/sh",
                                          "LANG=C.UTF-8",
                                          "TERM=dumb",
                                          "DEBIAN_FRONTEND=noninteractive",
                                          "DPKG_FORCE=security-mac,downgrade,confdef,confold",
                                          "UCF_FORCE_CONFFOLD=1",
                                          "APT_LISTCHANGES_FRONTEND=none"};
  if (!is_running) environment.push_back("SYSTEMD_OFFLINE=1");
  return environment;
}

}  // namespace vunify
