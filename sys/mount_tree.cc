// SPDX-License-Identifier: Apache-2.0
#include "sys/mount_tree.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <utility>

namespace vunify {
namespace {

constexpr std::pair<unsigned long, std::uint64_t> attributes[] = {
    {MS_RDONLY, MOUNT_ATTR_RDONLY},          {MS_NOSUID, MOUNT_ATTR_NOSUID},   {MS_NODEV, MOUNT_ATTR_NODEV},
    {MS_NOEXEC, MOUNT_ATTR_NOEXEC},          {MS_NOATIME, MOUNT_ATTR_NOATIME}, {MS_NODIRATIME, MOUNT_ATTR_NODIRATIME},
    {MS_STRICTATIME, MOUNT_ATTR_STRICTATIME}};

std::string path_of(int dir, const std::string& leaf) { return proc_path(dir) + "/" + leaf; }

// which: AT_RECURSIVE, or nothing.
Fd clone_mounts(int dir, unsigned long flags, unsigned which) {
  Fd tree(check(::open_tree(dir, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | which), "open_tree"));
  mount_attr attr{};
  for (const auto& [flag, attribute] : attributes)
    if ((flags & flag) != 0) attr.attr_set |= attribute;
  if ((flags & (MS_NOATIME | MS_STRICTATIME)) != 0) attr.attr_clr = MOUNT_ATTR__ATIME;
  attr.propagation = MS_PRIVATE;
  check(::mount_setattr(tree.get(), "", AT_EMPTY_PATH | which, &attr, sizeof attr), "mount_setattr");
  return tree;
}

}  // namespace

Fd clone_tree(int dir, unsigned long flags) { return clone_mounts(dir, flags, 0); }

Fd clone_trees(int dir, unsigned long flags) { return clone_mounts(dir, flags, AT_RECURSIVE); }

void place_tree(int tree, int dir) {
  check(::move_mount(tree, "", dir, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH), "move_mount");
}

// The first such call marks what nobody uses, and says EAGAIN; a second one would take it away. Whoever comes to the
// mount takes the mark away.
bool is_mount_in_use(int dir, const std::string& leaf) {
  const auto path = path_of(dir, leaf);
  const auto take_mark = [&] { const Fd came(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)); };
  take_mark();
  const bool is_marked = ::umount2(path.c_str(), MNT_EXPIRE | UMOUNT_NOFOLLOW) == 0 || errno == EAGAIN;
  if (!is_marked && errno != EBUSY) throw_errno("umount", leaf);
  take_mark();
  return !is_marked;
}

void unmount_name(int dir, const std::string& leaf) {
  check(::umount2(path_of(dir, leaf).c_str(), UMOUNT_NOFOLLOW), "umount", leaf);
}

void unmount_path(const std::string& point, int flags) {
  check(::umount2(point.c_str(), flags | UMOUNT_NOFOLLOW), "umount", point);
}

}  // namespace vunify
