// SPDX-License-Identifier: Apache-2.0
#include "fuse/islands.h"

#include <fcntl.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <filesystem>

#include "guest/marked_file.h"
#include "sys/at.h"
#include "sys/beneath.h"
#include "sys/mount_tree.h"

namespace vunify {
namespace {

[[noreturn]] void refuse(int error, const std::string& reason) {
  throw std::system_error(error, std::generic_category(), reason);
}

// Without symlinks a path says by itself where it leads.
std::string within(const std::string& dir) {
  auto path = std::filesystem::path(dir).lexically_normal().string();
  while (path.ends_with('/')) path.pop_back();
  if (!path.starts_with('/')) refuse(EINVAL, "native=" + dir + " is no directory in the guest");
  return path.substr(1);
}

Fd open_island(const Guest& guest, const std::string& path) {
  try {
    return guest.root.open_directory(path);
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(), guest.path() + "/" + path + " cannot be native");
  }
}

// In this thread alone: others would stay, outside the sandbox, and take the signals that are ours.
void expect_nothing_elsewhere(const RootDir& island) {
  const auto file = tbb::task_arena(1).execute([&] { return find_file_known_elsewhere(island); });
  if (file)
    refuse(EXDEV, island.host_path() + "/" + *file + " is shared, or has a name elsewhere: " + island.host_path() +
                      " cannot be native");
}

}  // namespace

Islands::Islands(const Guest& guest, const std::vector<std::string>& dirs, unsigned long flags) {
  for (const auto& dir : dirs) {
    const auto path = within(dir);
    for (const auto& other : islands_)
      if (is_or_is_beneath(path, other.path) || is_or_is_beneath(other.path, path))
        refuse(EINVAL, "native=" + dir + " and /" + other.path + " are one in the other");
    const RootDir island(guest.path() + "/" + path, open_island(guest, path));
    expect_nothing_elsewhere(island);
    islands_.push_back({path, clone_tree(island.fd(), flags), stat_at({island.fd(), ""})});
  }
}

Islands Islands::placed(const Guest& guest, const std::vector<std::string>& dirs) {
  Islands islands;
  for (const auto& dir : dirs) {
    const auto path = within(dir);
    islands.islands_.push_back({path, {}, stat_at({open_island(guest, path).get(), ""})});
  }
  return islands;
}

void Islands::place(const std::string& point) {
  const RootDir root(point);
  for (auto& island : islands_) {
    const Fd covered = root.open(island.path, O_PATH | O_DIRECTORY);
    if (stat_at({covered.get(), ""}).st_ino != island.root.st_ino) refuse(ESTALE, point + "/" + island.path);
    place_tree(island.tree.get(), covered.get());
  }
  were_placed();
}

// Else they were in use for ever.
void Islands::were_placed() {
  for (auto& island : islands_) {
    const Fd closed(std::move(island.tree));
  }
}

bool Islands::has(const struct stat& directory) const {
  return std::ranges::any_of(islands_, [&](const Island& island) {
    return island.root.st_ino == directory.st_ino && island.root.st_dev == directory.st_dev;
  });
}

std::string Islands::told() const {
  std::string all;
  for (const auto& island : islands_) all += (all.empty() ? "/" : ",/") + island.path;
  return all;
}

}  // namespace vunify
