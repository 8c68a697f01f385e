// SPDX-License-Identifier: Apache-2.0
#include "sys/at.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace vunify {
namespace {

constexpr long fchmodat2_number = 452;  // Linux 6.6; the number is every architecture's

bool is_itself(At at) { return *at.leaf == '\0'; }

int nofollow(At at) { return is_itself(at) ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW; }

}  // namespace

std::optional<struct stat> find_at(At at) {
  struct stat st {};
  if (::fstatat(at.dir, at.leaf, &st, nofollow(at) | AT_NO_AUTOMOUNT) == 0) return st;
  if (errno == ENOENT) return std::nullopt;
  throw_errno("fstatat", at.leaf);
}

struct stat stat_at(At at) {
  if (auto st = find_at(at)) return *st;
  errno = ENOENT;
  throw_errno("fstatat", at.leaf);
}

// What only a descriptor holds is opened again by its path in /proc, which is followed to that very inode.
Fd open_at(At at, int flags, mode_t mode) {
  if (is_itself(at)) return open_host(proc_path(at.dir), flags & ~O_NOFOLLOW, mode);
  return Fd(check(::openat(at.dir, at.leaf, flags | O_NOFOLLOW | O_CLOEXEC, mode), "openat", at.leaf));
}

Fd hold_at(At at) { return open_at(at, O_PATH); }

std::optional<std::string> find_link_at(At at) {
  std::string target(4096, '\0');  // PATH_MAX
  const auto size = ::readlinkat(at.dir, at.leaf, target.data(), target.size());
  if (size < 0 && errno == (is_itself(at) ? ENOENT : EINVAL)) return std::nullopt;
  target.resize(static_cast<std::size_t>(check(size, "readlinkat", at.leaf)));
  return target;
}

std::string read_link_at(At at) {
  if (auto target = find_link_at(at)) return std::move(*target);
  errno = EINVAL;
  throw_errno("readlinkat", at.leaf);
}

void make_directory_at(At at, mode_t mode) { check(::mkdirat(at.dir, at.leaf, mode), "mkdirat", at.leaf); }

void make_node_at(At at, mode_t mode, dev_t device) {
  check(::mknodat(at.dir, at.leaf, mode, device), "mknodat", at.leaf);
}

void make_symlink_at(const char* target, At at) { check(::symlinkat(target, at.dir, at.leaf), "symlinkat", at.leaf); }

void link_at(At from, At to) {
  const int flags = is_itself(from) ? AT_EMPTY_PATH : 0;
  check(::linkat(from.dir, from.leaf, to.dir, to.leaf, flags), "linkat", to.leaf);
}

void remove_at(At at) { check(::unlinkat(at.dir, at.leaf, 0), "unlinkat", at.leaf); }

void remove_directory_at(At at) { check(::unlinkat(at.dir, at.leaf, AT_REMOVEDIR), "rmdir", at.leaf); }

void rename_at(At from, At to, unsigned flags) {
  check(::renameat2(from.dir, from.leaf, to.dir, to.leaf, flags), "renameat2", from.leaf);
}

void set_owner_at(At at, uid_t uid, gid_t gid) {
  check(::fchownat(at.dir, at.leaf, uid, gid, nofollow(at)), "fchownat", at.leaf);
}

// Before Linux 6.6 the inode is held first: chmod(2) by name follows symlinks.
void set_mode_at(At at, mode_t mode) {
  if (::syscall(fchmodat2_number, at.dir, at.leaf, mode, nofollow(at)) == 0) return;
  if (errno != ENOSYS && errno != EPERM) throw_errno("fchmodat2", at.leaf);
  const Fd held = hold_at(at);
  check(::chmod(proc_path(held.get()).c_str(), mode), "chmod", at.leaf);
}

void set_times_at(At at, const timespec times[2]) {
  check(::utimensat(at.dir, at.leaf, times, nofollow(at)), "utimensat", at.leaf);
}

void set_size_at(At at, off_t size) {
  const Fd file = open_at(at, O_WRONLY | O_NONBLOCK);
  check(::ftruncate(file.get(), size), "ftruncate", at.leaf);
}

}  // namespace vunify
