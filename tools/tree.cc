// SPDX-License-Identifier: Apache-2.0
#include "tools/tree.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <vector>

namespace vunify {
namespace {

std::vector<std::string> names_in(int dir, bool hidden) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(proc_path(dir))) {
    auto name = entry.path().filename().string();
    if (hidden || !name.starts_with('.')) names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

class Visit {
 public:
  Visit(const TreeWalk& walk, std::uint64_t device) : walk_(walk), device_(device) {}

  void run(const Found& found, Depth depth) {
    guarded(found.path, [&] { walk_.visit(found); });
    if (found.inode.is_directory() && depth != Depth::itself) guarded(found.path, [&] { run_beneath(found, depth); });
  }

 private:
  void run_beneath(const Found& parent, Depth depth) {
    const Fd dir = open_found(parent);
    std::vector<std::string> directories;
    for (auto& name : names_in(dir.get(), walk_.hidden))
      guarded(join(parent.path, name), [&] {
        if (!run_unless_directory(dir.get(), parent, name)) directories.push_back(std::move(name));
      });
    const Depth next = depth == Depth::everything ? depth : Depth::itself;
    for (const auto& name : directories)
      guarded(join(parent.path, name), [&] { run_name(dir.get(), parent, name, next); });
  }

  bool run_unless_directory(int dir, const Found& parent, const std::string& name) {
    const auto inode = stat_name(dir, name.c_str());
    if (inode && inode->is_directory()) return false;
    if (inode) run_name(dir, parent, name, Depth::itself);
    return true;
  }

  void run_name(int dir, const Found& parent, const std::string& name, Depth depth) {
    const Fd fd = open_host(proc_path(dir) + "/" + name, O_PATH | O_NOFOLLOW);
    const Found found{join(parent.path, name), fd.get(), stat_fd(fd.get())};
    if (walk_.one_filesystem && found.inode.dev != device_) return;
    run(found, depth);
  }

  static std::string join(const std::string& path, const std::string& name) {
    return path.ends_with('/') ? path + name : path + "/" + name;
  }

  template <typename Step>
  void guarded(const std::string& path, Step step) const {
    try {
      step();
    } catch (const std::system_error& error) {
      walk_.failed(path, error);
    }
  }

  const TreeWalk& walk_;
  std::uint64_t device_;
};

}  // namespace

Fd open_found(const Found& found) {
  if (!found.inode.is_regular() && !found.inode.is_directory()) return Fd();
  return open_host(proc_path(found.fd), O_RDONLY | O_NONBLOCK);
}

void visit_held(const std::string& shown, int path_fd, const TreeWalk& walk) {
  const Found found{shown, path_fd, stat_fd(path_fd)};
  Visit(walk, found.inode.dev).run(found, walk.depth);
}

void visit_tree(const std::string& operand, const TreeWalk& walk) {
  try {
    visit_held(operand, open_host(operand, O_PATH | O_NOFOLLOW).get(), walk);
  } catch (const std::system_error& error) {
    walk.failed(operand, error);
  }
}

}  // namespace vunify
