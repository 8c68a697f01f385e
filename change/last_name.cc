// SPDX-License-Identifier: Apache-2.0
#include "change/last_name.h"

#include <algorithm>
#include <map>

#include "change/protection.h"
#include "guest/adopted.h"
#include "guest/tag.h"
#include "sys/inode_attr.h"
#include "sys/lease.h"
#include "sys/mark.h"

namespace vunify {
namespace {

bool leads_to(const GuestName& guest_name, std::uint64_t ino) {
  try {
    const auto name = open_name(*guest_name.root, guest_name.path);
    const auto there = stat_name(name.dir.get(), name.leaf.c_str());
    return there && there->ino == ino;
  } catch (const std::system_error&) {
    return false;
  }
}

// Their guests' roots, opened; of guests that are gone there is none.
std::map<std::string, RootDir> open_roots(const JournaledSet& set) {
  std::map<std::string, RootDir> roots;
  const auto open = [&roots](const std::string& path) {
    try {
      if (!roots.contains(path)) roots.emplace(path, RootDir(path));
    } catch (const std::system_error&) {
      return;
    }
  };
  open(set.root);
  for (const auto& name : set.names) open(name.root);
  return roots;
}

// ext4 refuses a guest that is over its quota (EDQUOT): then it stays shared, and protected.
void tag_unprotected(int fd, std::uint32_t tag) {
  const auto protection = protection_of(fd);
  unprotect(fd);
  try {
    set_project_id(fd, tag);
  } catch (const std::system_error&) {
    protect(fd, protection);
    throw;
  }
}

}  // namespace

bool keeps_last_inode(const RootDir& root) { return is_adopted_tree(root.host_path()); }

std::optional<std::uint32_t> tag_of_holder(std::uint64_t ino, const std::vector<GuestName>& names) {
  const auto is_tagged = [](const GuestName& name) { return tag_of(name.root->fd()) != 0; };
  if (std::ranges::none_of(names, is_tagged)) return 0;
  const auto holder = std::ranges::find_if(names, [ino](const GuestName& name) { return leads_to(name, ino); });
  if (holder == names.end()) return std::nullopt;
  return tag_of(*holder);
}

// The mark goes last: killed before, it is met again.
bool release_unshared(int fd, const FileId& id, const std::vector<GuestName>& names) {
  const auto inode = stat_fd(fd);
  if (inode.ino != id.ino || inode.nlink != 1 || !has_mark(fd)) return false;
  const auto tag = tag_of_holder(id.ino, names);
  if (!tag) return false;
  tag_unprotected(fd, *tag);
  clear_mark(fd);
  return true;
}

// Where the guard is not loaded, nothing that lies on the disk tells that an inode was protected by it.
bool release_last_name(int fd, const FileId& id, const std::vector<GuestName>& names) {
  const auto keeps = [](const GuestName& name) { return keeps_last_inode(*name.root); };
  if (names.empty() || !std::ranges::all_of(names, keeps)) return false;
  return protection_of(fd) == Protection::none && !is_open_elsewhere(fd) && release_unshared(fd, id, names);
}

bool release_last_name(int fd, const JournaledSet& set) {
  const auto roots = open_roots(set);
  std::vector<GuestName> names;
  const auto add = [&](const std::string& root, const std::string& path) {
    if (const auto found = roots.find(root); found != roots.end()) names.push_back({&found->second, path});
  };
  add(set.root, set.path);
  for (const auto& name : set.names) add(name.root, name.path);
  return release_last_name(fd, {fs_id(fd), stat_fd(fd).ino}, names);
}

}  // namespace vunify
