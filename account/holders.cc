// SPDX-License-Identifier: Apache-2.0
#include "account/holders.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <algorithm>
#include <map>

#include "guest/adopted.h"
#include "sys/mount_tree.h"

namespace vunify {
namespace {

FsId without_subvolume(FsId fs) {
  fs.subvolume = 0;
  return fs;
}

RootDir open_apart(const std::string& path, const Fd& dir) {
  return {path, clone_tree(dir.get(), MS_NODEV | MS_NOATIME)};
}

struct Found {
  Holder holder;
  FsId fs;
  Mount mount;
};

Found find(const GuestRoot& guest, const std::vector<Mount>& mounts) {
  const auto place = find_guest(guest.path, mounts);
  const Fd dir = open_host(place.root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const auto name = guest.name.empty() ? guest.path : guest.name;
  return {{name, guest.xid, place.path, open_apart(place.root, dir), stat_fd(dir.get())},
          without_subvolume(fs_id(dir.get())),
          mount_of(dir.get())};
}

// The one that shows most of the filesystem, where a path leads to it and not to what is mounted over it.
Mount topmost(Mount mount, const std::vector<Mount>& mounts) {
  for (const auto& other : mounts) {
    if (other.dev != mount.dev || other.root.size() >= mount.root.size()) continue;
    const auto led = locate(mounts, other.point);
    if (led && led->dev == other.dev && led->path == other.root) mount = other;
  }
  return mount;
}

bool stands_before(const Holder& one, const Holder& other) {
  if (one.xid.has_value() != other.xid.has_value()) return one.xid.has_value();
  return std::tie(one.xid, one.name) < std::tie(other.xid, other.name);
}

bool is_same_directory(const Inode& one, const Inode& other) { return one.dev == other.dev && one.ino == other.ino; }

void add_guest(Found found, std::map<FsId, HeldFilesystem>& filesystems) {
  auto& held = filesystems.try_emplace(found.fs, HeldFilesystem{found.fs, found.mount, {}}).first->second;
  const auto is_known = [&](const Holder& other) { return is_same_directory(other.root, found.holder.root); };
  if (std::ranges::none_of(held.holders, is_known)) held.holders.push_back(std::move(found.holder));
}

void add_host(HeldFilesystem& held, const std::vector<Mount>& mounts) {
  held.mount = topmost(held.mount, mounts);
  std::ranges::sort(held.holders, stands_before);
  const Fd dir = open_host(held.mount.point, O_RDONLY | O_DIRECTORY);
  const auto root = stat_fd(dir.get());
  const auto is_guest = [&](const Holder& guest) { return is_same_directory(guest.root, root); };
  if (std::ranges::any_of(held.holders, is_guest)) return;  // it has the filesystem for itself
  held.holders.push_back({host_name, {}, held.mount.point, open_apart(held.mount.point, dir), root});
}

}  // namespace

OpenedHolders open_holders(const std::vector<GuestRoot>& guests) {
  OpenedHolders opened;
  const auto mounts = read_mounts();
  std::map<FsId, HeldFilesystem> filesystems;
  for (const auto& guest : guests) {
    try {
      add_guest(find(guest, mounts), filesystems);
    } catch (const std::system_error& error) {
      opened.refused.push_back({guest.path, error.code().message()});
    }
  }
  for (auto& [fs, held] : filesystems) {
    add_host(held, mounts);
    opened.filesystems.push_back(std::move(held));
  }
  std::ranges::sort(opened.filesystems, {}, [](const HeldFilesystem& held) { return held.mount.point; });
  return opened;
}

}  // namespace vunify
