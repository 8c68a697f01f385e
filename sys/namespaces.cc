// SPDX-License-Identifier: Apache-2.0
#include "sys/namespaces.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "sys/mount_tree.h"
#include "sys/processes.h"

namespace vunify {
namespace {

constexpr std::pair<const char*, int> kinds_by_link[] = {
    {"ns/user", CLONE_NEWUSER}, {"ns/mnt", CLONE_NEWNS},  {"ns/pid", CLONE_NEWPID},      {"ns/net", CLONE_NEWNET},
    {"ns/ipc", CLONE_NEWIPC},   {"ns/uts", CLONE_NEWUTS}, {"ns/cgroup", CLONE_NEWCGROUP}};

void propagate_mounts(unsigned long how) { check(::mount(nullptr, "/", nullptr, MS_REC | how, nullptr), "mount", "/"); }

}  // namespace

Fd hold_process(int process) {
  return Fd(static_cast<int>(check(::syscall(SYS_pidfd_open, process, 0), "pidfd_open")));
}

bool has_ended(int held) {
  pollfd one{held, POLLIN, 0};
  return ::poll(&one, 1, 0) > 0;
}

void signal_process(int held, int signal) { ::syscall(SYS_pidfd_send_signal, held, signal, nullptr, 0); }

void make_namespaces(int kinds) { check(::unshare(kinds), "unshare"); }

void part_mounts() {
  make_namespaces(CLONE_NEWNS);
  propagate_mounts(MS_SLAVE);
}

void keep_mounts() {
  make_namespaces(CLONE_NEWNS);
  propagate_mounts(MS_PRIVATE);
}

void enter_namespaces(int held, int process) {
  int kinds = 0;
  for (const auto& [link, kind] : kinds_by_link)
    if (link_of_process(std::to_string(process), link) != link_of_process("self", link)) kinds |= kind;
  if (kinds != 0) check(::setns(held, kinds), "setns");
}

Fd root_of_process(int process) {
  return open_host("/proc/" + std::to_string(process) + "/root", O_PATH | O_DIRECTORY);
}

void enter_root(int dir) {
  check(::fchdir(dir), "chdir");
  check(::chroot("."), "chroot");
}

// Old and new root may be one directory: then the old one lies over the new, and goes (pivot_root(2), NOTES).
void make_root(int tree, int over) {
  place_tree(tree, over);
  check(::fchdir(tree), "chdir");
  check(::syscall(SYS_pivot_root, ".", "."), "pivot_root");
  check(::umount2(".", MNT_DETACH), "umount", "/");
  check(::chdir("/"), "chdir", "/");
}

void set_host_name(const std::string& name) { check(::sethostname(name.data(), name.size()), "sethostname"); }

}  // namespace vunify
