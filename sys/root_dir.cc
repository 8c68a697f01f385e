// SPDX-License-Identifier: Apache-2.0
#include "sys/root_dir.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/inode.h"

namespace vunify {
namespace {

// Shorter than PATH_MAX (4096) with room for one more component.
constexpr std::size_t longest_step = 3500;

Fd open_beneath(int dir, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  for (int tries = 0;; ++tries) {
    const long fd = ::syscall(SYS_openat2, dir, path.empty() ? "." : path.c_str(), &how, sizeof how);
    if (fd >= 0) return Fd(static_cast<int>(fd));
    // EAGAIN: a rename elsewhere raced the walk up of ".."; openat2(2) says to try again.
    if (errno != EAGAIN || tries == 100) throw_errno("openat2", path);
  }
}

}  // namespace

RootDir::RootDir(const std::string& host_path)
    : host_path_(host_path), fd_(open_host(host_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)) {}

Fd RootDir::open(std::string_view path, int flags) const {
  Fd step;
  int from = fd_.get();
  while (path.size() > longest_step) {
    const auto cut = path.rfind('/', longest_step);
    step = open_beneath(from, std::string(path.substr(0, cut)), O_PATH | O_DIRECTORY);
    from = step.get();
    path.remove_prefix(cut + 1);
  }
  return open_beneath(from, std::string(path), flags);
}

Fd RootDir::open_directory(std::string_view path) const { return open(path, O_RDONLY | O_DIRECTORY | O_NOATIME); }

Fd RootDir::open_regular(std::string_view path) const {
  return reopen_regular(open(path, O_PATH | O_NOFOLLOW).get(), path);
}

Fd reopen_regular(int path_fd, std::string_view path) {
  if (!stat_fd(path_fd).is_regular()) {
    errno = EINVAL;
    throw_errno("open", path);
  }
  const int flags = O_RDONLY | O_NONBLOCK | O_NOATIME | O_CLOEXEC;
  return Fd(check(::open(proc_path(path_fd).c_str(), flags), "open", path));
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
