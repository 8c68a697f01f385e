// SPDX-License-Identifier: Apache-2.0
#include "guest/dead_records.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>

#include "guest/adopted.h"
#include "guest/mounted.h"
#include "sys/at.h"
#include "sys/directory.h"

namespace vunify {
namespace {

bool is_absent(const std::system_error& error) { return is_error(error, ENOENT) || is_error(error, ENOTDIR); }

bool leads_to(const std::string& path, int file) {
  const auto there = find_at({AT_FDCWD, path.c_str()});
  const auto is = stat_at({file, ""});
  return there && there->st_ino == is.st_ino && there->st_dev == is.st_dev;
}

void remove(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

bool is_mounted(const Mounted& one, const std::vector<Mount>& mounts) {
  return std::ranges::any_of(
      mounts, [&one](const Mount& mount) { return mount.type == vcow_type && mount.point == one.mount_point; });
}

// Another guest may have its path by now.
bool has_root(const Mounted& one, const std::vector<Mount>& mounts, const std::string& dir) {
  try {
    const auto root = open_host(find_guest(one.path, mounts).root, O_PATH | O_DIRECTORY);
    const auto its = find_mounted(root.get(), dir);
    return its && its->control == one.control;
  } catch (const std::system_error& error) {
    return !is_absent(error);
  }
}

void remove_dead(const Mounted& one) {
  const auto record = one.control.substr(0, one.control.size() - control_suffix.size());
  const auto taken = take_record(record, O_RDONLY);
  if (!taken) return;
  remove(one.control);
  remove(record);
}

void sweep_unfinished(const std::string& dir) {
  for (const auto& file : std::filesystem::directory_iterator(dir)) {
    const auto path = file.path().native();
    if (!path.ends_with(unfinished_suffix)) continue;
    const auto taken = take_record(path, O_RDONLY);
    if (taken) remove(path);
  }
}

}  // namespace

std::optional<Fd> take_record(const std::string& path, int flags) {
  try {
    auto file = open_host(path, flags | O_NOFOLLOW);
    if (!lock_root(file.get(), lock_exclusively) || !leads_to(path, file.get())) return std::nullopt;
    return file;
  } catch (const std::system_error& error) {
    if (is_absent(error)) return std::nullopt;
    throw;
  }
}

void sweep_dead_records(const std::string& dir) noexcept {
  try {
    const auto mounts = read_mounts();
    for (const auto& one : list_mounted(dir))
      if (!one.is_alive && !is_mounted(one, mounts) && !has_root(one, mounts, dir)) remove_dead(one);
    sweep_unfinished(dir);
  } catch (const std::exception&) {  // another time
  }
}

}  // namespace vunify
