// SPDX-License-Identifier: Apache-2.0
#include "move/new_tree.h"

#include <fcntl.h>

#include "move/inventory.h"
#include "sys/inode_attr.h"
#include "sys/xattr.h"

namespace vunify {
namespace {

constexpr std::uint32_t last_flags = FS_IMMUTABLE_FL | FS_APPEND_FL;  // nothing can be done to what has them

timespec to_timespec(Timestamp time) { return {time.sec, static_cast<long>(time.nsec)}; }

// What an earlier attempt gave it, maybe in part. A label of SELinux is set, and never removed.
void remove_metadata(int fd) {
  if (inode_flags(fd) & last_flags) change_inode_flags(fd, 0, last_flags);
  for (const auto& [name, value] : read_xattrs(fd))
    if (name != "security.selinux") remove_xattr(fd, name.c_str());
}

}  // namespace

NewTree::Place NewTree::place_of(std::uint32_t number) const {
  const auto& name = names_[number];
  return {root_.open_directory(path_of(names_, name.parent)), name.leaf.c_str()};
}

void NewTree::begin() {
  for (std::uint32_t i = 1; i < names_.size(); ++i) {
    const auto& name = names_[i];
    if (name.is_directory())
      make_directory_at(place_of(i).at(), 0700);
    else if (name.is_file() && name.size == 0)
      finish_file(make_file(i).get(), i);
    else if (!name.is_file() && name.same_as == 0)
      make_node(i);
  }
}

Fd NewTree::make_file(std::uint32_t number) { return open_at(place_of(number).at(), O_RDWR | O_CREAT | O_EXCL, 0600); }

void NewTree::finish_file(int fd, std::uint32_t number) { set_metadata(fd, number); }

void NewTree::take_over(const RootDir& from, const std::string& path, std::uint32_t number) {
  const auto old = open_name(from, path);
  const Fd file = open_at({old.dir.get(), old.leaf.c_str()}, O_RDONLY);
  remove_metadata(file.get());
  link_at({old.dir.get(), old.leaf.c_str()}, place_of(number).at());
  set_metadata(file.get(), number);
}

void NewTree::remove_file(std::uint32_t number) { remove_at(place_of(number).at()); }

void NewTree::make_node(std::uint32_t number) {
  const auto& name = names_[number];
  const auto place = place_of(number);
  const auto at = place.at();
  if (name.is_symlink())
    make_symlink_at(name.target.c_str(), at);
  else
    make_node_at(at, name.mode, name.device);
  set_owner_at(at, name.uid, name.gid);
  if (!name.is_symlink()) set_mode_at(at, name.mode & 07777);
  for (const auto& [attribute, value] : name.xattrs) set_xattr_at(at.dir, at.leaf, attribute.c_str(), value, 0);
  const timespec times[2] = {{0, UTIME_OMIT}, to_timespec(name.mtime)};
  set_times_at(at, times);
}

// Attributes after the owner (chown clears capabilities), times last.
void NewTree::set_metadata(int fd, std::uint32_t number) {
  const auto& name = names_[number];
  try {
    set_owner_and_mode(fd, name.uid, name.gid, name.mode & 07777);
    for (const auto& [attribute, value] : name.xattrs) set_xattr(fd, attribute, value);
    set_flags(fd, number);
    set_times(fd, std::nullopt, name.mtime);
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(), path_of(names_, number));
  }
}

void NewTree::set_flags(int fd, std::uint32_t number) {
  const auto& name = names_[number];
  try {
    if (project_id(fd) != name.project) set_project_id(fd, name.project);
    const auto wanted = name.flags & moved_flags & ~last_flags;
    if (has_inode_flags(fd)) change_inode_flags(fd, wanted, moved_flags & ~last_flags & ~wanted);
  } catch (const std::system_error& error) {
    tell(number, "flags of chattr(1), or its project: " + error.code().message());
  }
}

void NewTree::tell(std::uint32_t number, const std::string& reason) {
  const std::lock_guard lock(telling_);
  told_.push_back(path_of(names_, number) + ": " + reason);
}

void NewTree::finish() {
  for (std::uint32_t i = 1; i < names_.size(); ++i)
    if (names_[i].same_as != 0) link_at(place_of(names_[i].same_as).at(), place_of(i).at());
  for (std::uint32_t i = 0; i < names_.size(); ++i)
    if (names_[i].is_directory()) set_metadata(root_.open_directory(path_of(names_, i)).get(), i);
  for (std::uint32_t i = 1; i < names_.size(); ++i) set_last_flags(i);
}

// What of them is set of a symlink, or a device, is nobody's wish: no kernel tells it.
void NewTree::set_last_flags(std::uint32_t number) {
  const auto& name = names_[number];
  const auto flags = name.flags & last_flags;
  if (flags == 0 || (!name.is_file() && !name.is_directory())) return;
  try {
    change_inode_flags(root_.open(path_of(names_, number), O_RDONLY | O_NOFOLLOW).get(), flags, 0);
  } catch (const std::system_error& error) {
    tell(number, "flags of chattr(1): " + error.code().message());
  }
}

}  // namespace vunify
