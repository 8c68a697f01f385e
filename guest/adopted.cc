// SPDX-License-Identifier: Apache-2.0
#include "guest/adopted.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "sys/directory.h"
#include "sys/inode.h"
#include "sys/root_dir.h"

namespace vunify {
namespace {

// A slash at the end would have realpath(3) ask what is mounted there.
std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

// The last component need not be there: a mount point that was removed.
std::string resolve(const std::string& named) {
  const auto plain = without_slashes(named);
  std::error_code failed;
  const auto path = std::filesystem::canonical(plain, failed);
  if (!failed) return path;
  const auto absolute = std::filesystem::absolute(plain).lexically_normal();
  if (failed != std::errc::no_such_file_or_directory) throw std::system_error(failed, named);
  return std::filesystem::canonical(absolute.parent_path()) / absolute.filename();
}

bool is_directory(const std::string& path) {
  const auto inode = stat_name(AT_FDCWD, path.c_str());
  return inode && inode->is_directory();
}

bool is_empty(const std::string& path) {
  return list_names(open_host(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).get()).empty();
}

bool is_vcow_on(const std::string& path, const std::vector<Mount>& mounts) {
  const auto top =
      std::find_if(mounts.rbegin(), mounts.rend(), [&](const Mount& mount) { return mount.point == path; });
  return top != mounts.rend() && top->type == vcow_type;
}

// The mount point of a tree, where `path` is one that lies in a directory for adopted guests.
std::string shown_by(const std::string& path) {
  const auto [directory, leaf] = split_path(path);
  return is_adopted_tree(path) ? join_path(split_path(directory).parent, leaf) : path;
}

}  // namespace

std::string adopted_path(const std::string& path) {
  const auto [parent, leaf] = split_path(path);
  return std::string(parent) + "/" + adopted_leaf + "/" + std::string(leaf);
}

bool is_adopted_tree(const std::string& root) { return split_path(split_path(root).parent).leaf == adopted_leaf; }

GuestPlace find_guest(const std::string& named, const std::vector<Mount>& mounts) {
  GuestPlace place;
  place.path = place.root = shown_by(resolve(named));
  place.is_mounted = is_vcow_on(place.path, mounts);
  const auto kept = adopted_path(place.path);
  if (!is_directory(kept)) return place;
  // Of a mounted one the mount hides whether it is empty.
  if (place.is_mounted || !is_directory(place.path) || is_empty(place.path)) place.root = kept;
  return place;
}

std::string path_beneath(const std::string& named, const std::vector<Mount>& mounts) {
  const auto path = resolve(named);
  const Mount* innermost = nullptr;
  for (const auto& mount : mounts) {
    const bool is_above = path.starts_with(mount.point == "/" ? "/" : mount.point + "/");
    if (is_above && (innermost == nullptr || mount.point.size() >= innermost->point.size())) innermost = &mount;
  }
  if (innermost == nullptr || innermost->type != vcow_type) return path;
  const auto kept = adopted_path(innermost->point);
  return is_directory(kept) ? kept + path.substr(innermost->point.size()) : path;
}

bool lock_root(int root, bool (*lock)(int)) {
  using namespace std::chrono_literals;
  for (auto waited = 0ms; !lock(root); waited += 10ms) {
    if (waited >= 2s) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

}  // namespace vunify
