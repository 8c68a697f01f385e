// SPDX-License-Identifier: Apache-2.0
#include "sys/root_dir.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>

#include "sys/handle.h"
#include "sys/inode.h"

namespace vunify {
namespace {

// Shorter than PATH_MAX (4096) with room for one more component.
constexpr std::size_t longest_step = 3500;

Fd open_resolved(int dir, const std::string& path, int flags, std::uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = resolve;
  for (int tries = 0;; ++tries) {
    const long fd = ::syscall(SYS_openat2, dir, path.empty() ? "." : path.c_str(), &how, sizeof how);
    if (fd >= 0) return Fd(static_cast<int>(fd));
    // EAGAIN: a rename elsewhere raced the walk up of ".."; openat2(2) says to try again.
    if (errno != EAGAIN || tries == 100) throw_errno("openat2", path);
  }
}

Fd open_beneath(int dir, const std::string& path, int flags) {
  const auto resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  return open_resolved(dir, path, flags, resolve);
}

Fd open_from(int dir, std::string_view path, int flags) {
  Fd step;
  while (path.size() > longest_step) {
    const auto cut = path.rfind('/', longest_step);
    step = open_beneath(dir, std::string(path.substr(0, cut)), O_PATH | O_DIRECTORY);
    dir = step.get();
    path.remove_prefix(cut + 1);
  }
  return open_beneath(dir, std::string(path), flags);
}

Fd reopen(int path_fd, const Inode& inode, std::string_view path, OnLease on_lease) {
  if (!inode.is_regular()) {
    errno = EINVAL;
    throw_errno("open", path);
  }
  const int flags = O_RDONLY | O_NOATIME | O_CLOEXEC | (on_lease == OnLease::fail ? O_NONBLOCK : 0);
  return Fd(check(::open(proc_path(path_fd).c_str(), flags), "open", path));
}

// Since Linux 5.18 two mounts of one filesystem may share data (FICLONE, FIDEDUPERANGE).
bool shares_across_mounts() {
  utsname name{};
  int major = 0, minor = 0;
  ::uname(&name);
  return std::sscanf(name.release, "%d.%d", &major, &minor) == 2 && std::pair(major, minor) >= std::pair(5, 18);
}

bool opens_handles(int dir) {
  try {
    return !handle_of(dir).empty() && hold_on_mount_of(dir, dir);
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace

RootDir::RootDir(const std::string& host_path)
    : host_path_(host_path), fd_(open_host(host_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)) {}

Fd RootDir::open(std::string_view path, int flags) const { return open_from(fd_.get(), path, flags); }

Fd RootDir::open_directory(std::string_view path) const { return open(path, O_RDONLY | O_DIRECTORY | O_NOATIME); }

Fd RootDir::open_in_root(std::string_view path, int flags) const {
  const auto resolve = RESOLVE_IN_ROOT | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  return open_resolved(fd_.get(), std::string(path), flags, resolve);
}

Fd RootDir::open_regular(std::string_view path) const {
  return reopen_regular(open(path, O_PATH | O_NOFOLLOW).get(), path);
}

std::optional<Fd> RootDir::open_inode(std::string_view path, std::uint64_t ino, OnLease on_lease) const {
  const Fd found = open(path, O_PATH | O_NOFOLLOW);
  const auto inode = stat_fd(found.get());
  if (inode.ino != ino) return std::nullopt;
  return reopen(found.get(), inode, path, on_lease);
}

// Private, so that no mount the guests or the host make shows up beneath it.
void RootDir::make_view() {
  if (!shares_across_mounts() || !opens_handles(fd_.get())) return;
  Fd view(::open_tree(fd_.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
  mount_attr attr{};
  attr.attr_set = MOUNT_ATTR_NODEV;
  attr.propagation = MS_PRIVATE;
  if (view && ::mount_setattr(view.get(), "", AT_EMPTY_PATH, &attr, sizeof attr) == 0) view_ = std::move(view);
}

Fd RootDir::open_to_read(std::string_view path) const {
  if (!view_) return open_regular(path);
  try {
    return open_from(view_.get(), path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOATIME);
  } catch (const std::system_error& error) {
    // A device, a socket, or what else is refused: the careful way tells which.
    if (is_error(error, EACCES) || is_error(error, ENXIO)) return open_regular(path);
    throw;
  }
}

Fd reopen_regular(int path_fd, std::string_view path, OnLease on_lease) {
  return reopen(path_fd, stat_fd(path_fd), path, on_lease);
}

SplitPath split_path(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return {{}, path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

std::string join_path(std::string_view parent, std::string_view leaf) {
  std::string path(parent);
  if (!path.empty()) path += '/';
  return path.append(leaf);
}

Name open_name(const RootDir& root, std::string_view path) {
  const auto [parent, leaf] = split_path(path);
  return {root.open(parent, O_PATH | O_DIRECTORY), std::string(leaf)};
}

}  // namespace vunify
