// SPDX-License-Identifier: Apache-2.0
#include "tests/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "sys/inode_attr.h"
#include "sys/mount.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

struct stat stat_at(int dir, const std::string& leaf) {
  struct stat st {};
  check(::fstatat(dir, leaf.c_str(), &st, AT_SYMLINK_NOFOLLOW), "fstatat", leaf);
  return st;
}

// chattr -ia.
void make_removable(int dir, const std::string& leaf) {
  const Fd file(::openat(dir, leaf.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  int flags = 0;
  if (!file || ::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) < 0) return;
  flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
  ::ioctl(file.get(), FS_IOC_SETFLAGS, &flags);
}

// In a deep tree the next directory is mostly one that the last one holds: no need to start from the root.
bool goes_on_from(const std::string& last, const std::string& path) {
  return path.size() > last.size() + 1 && path.starts_with(last + "/") && path.rfind('/') == last.size();
}

}  // namespace

Fd open_directory(const std::string& root, std::string path) {
  const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  Fd dir = open_host(root, flags);
  while (!path.empty()) {
    const auto cut = path.size() > 3500 ? path.rfind('/', 3500) : path.size();
    dir = Fd(check(::openat(dir.get(), path.substr(0, cut).c_str(), flags), "openat", path));
    path.erase(0, cut + 1);
  }
  return dir;
}

Fd open_parent(const std::string& root, const std::string& path) {
  const auto slash = path.rfind('/');
  return open_directory(root, slash == std::string::npos ? "" : path.substr(0, slash));
}

std::string leaf_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::vector<std::string> list(int dir) {
  const int again = check(::openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "openat");
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(again), ::closedir);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

void for_each_name(const std::string& root, const Look& look) {
  std::vector<std::string> pending{""};
  std::string last = ".";
  Fd dir;
  while (!pending.empty()) {
    const std::string path = std::move(pending.back());
    pending.pop_back();
    dir = goes_on_from(last, path) ? open_directory(proc_path(dir.get()), leaf_of(path)) : open_directory(root, path);
    last = path;
    for (const auto& leaf : list(dir.get())) {
      const auto st = stat_at(dir.get(), leaf);
      const auto below = path.empty() ? leaf : path + "/" + leaf;
      look(dir.get(), leaf, below, st);
      if (S_ISDIR(st.st_mode)) pending.push_back(below);
    }
  }
}

std::string make_temporary(const std::string& where) {
  std::string path = where + "/vunify-test-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) throw_errno("mkdtemp", path);
  return path;
}

void unmount_beneath(const std::string& root) {
  auto mounts = read_mounts();
  std::ranges::reverse(mounts);
  for (const auto& mount : mounts)
    if (mount.point.starts_with(root + "/")) ::umount2(mount.point.c_str(), MNT_DETACH);
}

void remove_tree(const std::string& root) {
  unmount_beneath(root);
  if (run({"rm", "-rf", "--one-file-system", root}).status == 0) return;
  make_removable(AT_FDCWD, root);
  for_each_name(root, [](int dir, const std::string& leaf, const std::string&, const struct stat& st) {
    if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)) make_removable(dir, leaf);
  });
  const auto again = run({"rm", "-rf", "--one-file-system", root});
  if (again.status != 0) ADD_FAILURE() << again.err;
}

}  // namespace vunify::test
