// SPDX-License-Identifier: Apache-2.0
#include "sys/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "sys/xattr.h"

namespace vunify {

Fd open_directory_at(int parent, const std::string& leaf, std::string_view path) {
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  return Fd(check(::openat(parent, leaf.c_str(), flags), "openat", path));
}

Fd open_parent(int dir) { return open_directory_at(dir, "..", ".."); }

void make_private_directory(int parent, const std::string& leaf) {
  if (::mkdirat(parent, leaf.c_str(), 0700) < 0 && errno != EEXIST) throw_errno("mkdirat", leaf);
}

void make_private(int dir) {
  remove_xattr(dir, "system.posix_acl_access");
  remove_xattr(dir, "system.posix_acl_default");
  check(::fchmod(dir, 0700), "fchmod");
}

namespace {

bool lock(int dir, int how) {
  if (::flock(dir, how | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK) throw_errno("flock");
  return false;
}

}  // namespace

bool lock_exclusively(int dir) { return lock(dir, LOCK_EX); }

bool lock_shared(int dir) { return lock(dir, LOCK_SH); }

void remove_name(int dir, const std::string& leaf) { check(::unlinkat(dir, leaf.c_str(), 0), "unlinkat", leaf); }

bool remove_empty_directory(int parent, const std::string& leaf) {
  if (::unlinkat(parent, leaf.c_str(), AT_REMOVEDIR) == 0) return true;
  if (errno != ENOTEMPTY && errno != EEXIST) throw_errno("rmdir", leaf);
  return false;
}

bool move_directory(int from, const std::string& leaf, int to, const std::string& new_leaf) {
  if (::renameat2(from, leaf.c_str(), to, new_leaf.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EEXIST) throw_errno("renameat2", leaf);
  return false;
}

void exchange_directories(int one, const std::string& leaf, int other, const std::string& other_leaf) {
  check(::renameat2(one, leaf.c_str(), other, other_leaf.c_str(), RENAME_EXCHANGE), "renameat2", leaf);
}

std::vector<std::string> list_names(int dir, std::size_t most) {
  // Opened anew: the place in a listing belongs to the open file, and dir may be listed again.
  DIR* opened = ::fdopendir(check(::openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "openat"));
  if (opened == nullptr) throw_errno("fdopendir");
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opened, ::closedir);
  std::vector<std::string> names;
  for (errno = 0; const dirent* entry = ::readdir(stream.get());) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() == most) throw std::system_error(E2BIG, std::generic_category(), "readdir");
    names.emplace_back(name);
  }
  if (errno != 0) throw_errno("readdir");
  std::ranges::sort(names);
  return names;
}

}  // namespace vunify
