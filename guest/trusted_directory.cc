// SPDX-License-Identifier: Apache-2.0
#include "guest/trusted_directory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "sys/directory.h"
#include "sys/inode.h"
#include "sys/inode_attr.h"
#include "sys/mount.h"

namespace vunify {
namespace {

bool is_sticky(const Inode& inode) { return (inode.mode & S_ISVTX) != 0; }

// An ACL that lets somebody write shows in the group bits: they are its mask.
void check_owner(const Inode& inode, const std::string& path) {
  if (inode.uid != 0) throw_of(EPERM, path, "is not owned by root");
  if ((inode.mode & (S_IWGRP | S_IWOTH)) != 0 && !is_sticky(inode)) throw_of(EPERM, path, "is writable by others");
}

}  // namespace

void throw_of(int number, const std::string& path, const std::string& why) {
  throw std::system_error(number, std::generic_category(), path + " " + why);
}

Fd open_trusted(const std::string& path) {
  Fd dir = open_host("/", O_RDONLY | O_DIRECTORY);
  check_owner(stat_fd(dir.get()), "/");
  for (std::size_t at = 1; at < path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    dir = open_directory_at(dir.get(), path.substr(at, end - at), path);
    check_owner(stat_fd(dir.get()), path.substr(0, end));
    at = end + 1;
  }
  return dir;
}

Fd open_private(int parent, const std::string& leaf, const std::string& path) {
  Fd dir = open_directory_at(parent, leaf, path);
  if (mount_id(dir.get()) != mount_id(parent)) throw_of(EXDEV, path, "is a mount point");
  if (stat_fd(dir.get()).uid != 0) throw_of(EPERM, path, "is not owned by root");
  if (stat_fd(dir.get()).immutable) change_inode_flags(dir.get(), 0, FS_IMMUTABLE_FL);  // killed in choose_protection()
  make_private(dir.get());
  return dir;
}

}  // namespace vunify
