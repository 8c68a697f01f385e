// SPDX-License-Identifier: Apache-2.0
#include "guest/lost_and_found.h"

#include <fcntl.h>

#include "sys/directory.h"
#include "sys/inode.h"
#include "sys/mount.h"

namespace vunify {
namespace {

constexpr auto lost_and_found = "lost+found";
// Linux, Documentation/filesystems/ext4/special_inodes.rst: the root directory, and the first that is not reserved,
// which mke2fs gives to lost+found.
constexpr std::uint64_t root_ino = 2;
constexpr std::uint64_t lost_and_found_ino = 11;

bool is_ext4(int fd) { return mount_of(fd).type == "ext4"; }

// The filesystem's own root, on the mount that dir is on; nothing where that is not to be seen.
Fd open_filesystem_root(int dir) {
  const auto mount = mount_of(dir);
  if (mount.point.empty()) return {};
  Fd root = open_host(mount.point, O_RDONLY | O_DIRECTORY);
  const bool is_root = stat_fd(root.get()).ino == root_ino && mount_id(root.get()) == mount_id(dir);
  return is_root ? std::move(root) : Fd();
}

}  // namespace

bool is_lost_and_found(int dir) { return stat_fd(dir).ino == lost_and_found_ino && is_ext4(dir); }

bool borrow_lost_and_found(int parent, const std::string& leaf) {
  const Fd root = is_ext4(parent) ? open_filesystem_root(parent) : Fd();
  if (!root || !stat_name(root.get(), lost_and_found)) return false;
  const Fd found = open_directory_at(root.get(), lost_and_found, lost_and_found);
  if (!is_lost_and_found(found.get()) || !list_names(found.get()).empty()) return false;
  return move_directory(root.get(), lost_and_found, parent, leaf);
}

bool give_back_lost_and_found(int parent, const std::string& leaf) {
  const Fd root = open_filesystem_root(parent);
  return root && move_directory(parent, leaf, root.get(), lost_and_found);
}

}  // namespace vunify
