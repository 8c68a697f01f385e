// SPDX-License-Identifier: Apache-2.0
#include "host/look_at_root.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>

#include "host/config_file.h"
#include "sys/beneath.h"
#include "sys/fd.h"
#include "sys/root_dir.h"

namespace vunify {
namespace {

namespace fs = std::filesystem;

// No stat(2): what is mounted there need not answer.
bool is_symlink(const std::string& path) {
  std::error_code none;
  return !fs::read_symlink(path.substr(0, path.find_last_not_of('/') + 1), none).empty();
}

bool is_image(const std::string& path) {
  std::error_code unseen;
  return fs::is_regular_file(path, unseen) || fs::is_block_file(path, unseen);
}

// Of one that is mounted, and whose daemon was killed, as the kernel remembers it.
Inode inode_of(const std::string& path) {
  try {
    return stat_fd(open_host(path, O_PATH | O_NOFOLLOW).get());
  } catch (const std::system_error& error) {
    const auto remembered = is_error(error, ENOTCONN) ? stat_name(AT_FDCWD, path.c_str()) : std::nullopt;
    if (!remembered) throw;
    return *remembered;
  }
}

// On a command line a word with a slash is a directory: nobody could take that guest back by its name.
void expect_name(const ToldGuest& told) {
  if (told.guest.name.find('/') != told.guest.name.npos) object(told, "is that of a name with a slash");
}

void expect_owner(ToldGuest& told, const Inode& inode) {
  if (inode.uid == 0) return;
  if (inode.uid != told.owner)
    object(told, "is owned by user " + std::to_string(inode.uid) + ", who is neither root nor the guest's root");
  told.guest.no_links = reason::shifted(inode.uid);
}

}  // namespace

void object(const ToldGuest& told, const std::string& reason) {
  throw Misconfigured(
      {told.file, told.line, "the root of " + told.guest.name + ", " + told.guest.root + ", " + reason});
}

std::string resolved(const std::string& path) {
  try {
    return follow(path).path;
  } catch (const std::system_error&) {
    return path;
  }
}

Looked Looking::open(ToldGuest told) const {
  if (!told.guest.left_alone.empty()) return {.told = std::move(told)};
  if (!told.guest.root.starts_with('/')) object(told, "is not an absolute path");
  if (is_symlink(told.guest.root)) object(told, "is a symlink");
  auto root = open_root(told);
  if (root)
    told.guest.root = root->place.path;
  else
    told.guest.left_alone = reason::image;
  return {.told = std::move(told), .root = std::move(root)};
}

void Looking::check(Looked& one) const {
  if (!one.root) return;
  expect_name(one.told);
  expect_outside_configuration(one.told, one.root->place);
  expect_owner(one.told, one.root->inode);
  tell_own_filesystem(one.guest(), *one.root);
}

// Nothing where an image is in its place.
std::optional<Root> Looking::open_root(const ToldGuest& told) const {
  try {
    auto way = follow(told.way.empty() ? told.guest.root : told.way);
    if (!way.by_root) object(told, "is come by through a symlink that is not root's");
    auto place = find_guest(way.path, mounts_);
    const std::string parent(split_path(place.root).parent);
    return Root{std::move(way), place, inode_of(place.root), inode_of(parent.empty() ? "/" : parent)};
  } catch (const std::system_error& error) {
    if (is_image(told.guest.root)) return std::nullopt;
    object(told, "cannot be reached: " + std::string(error.what()));
  }
}

void Looking::expect_outside_configuration(const ToldGuest& told, const GuestPlace& place) const {
  if (place.path == "/") object(told, "is the host's own");
  const auto parent = std::string(split_path(told.guest.config).parent);
  for (const auto& directory : {config_, resolved(parent)})
    if (is_or_is_beneath(directory, place.path)) object(told, "has the host's configuration in it");
}

// Names are linked within a mount, inodes are shared within a subvolume.
void Looking::tell_own_filesystem(HostGuest& guest, const Root& root) const {
  if (root.above.mount == root.inode.mount && root.above.dev == root.inode.dev) return;
  const auto mount = std::ranges::find(mounts_, root.inode.mount, &Mount::id);
  const bool is_mount = mount != mounts_.end() && root.above.mount != root.inode.mount;
  if (is_mount && mount->type == "overlay")
    guest.left_alone = reason::overlay;
  else if (is_mount && mount->root == "/" && mount->type != "btrfs")
    guest.left_alone = reason::own_filesystem;
  else
    guest.no_links = reason::own_subvolume;
}

}  // namespace vunify
