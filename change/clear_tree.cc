// SPDX-License-Identifier: Apache-2.0
#include "change/clear_tree.h"

#include <fcntl.h>

#include <utility>

#include "sys/directory.h"
#include "sys/inode.h"
#include "sys/inode_attr.h"
#include "sys/mount.h"

namespace vunify {
namespace {

// One directory on the way down.
struct Level {
  std::string leaf;
  std::uint64_t ino = 0;
  std::vector<std::string> directories;  // still to be entered
};

class Clearing {
 public:
  Clearing(const RootDir& root, const std::function<bool()>& stop)
      : stop_(stop), mount_(mount_id(root.fd())), dir_(root.open_directory("")) {
    levels_.push_back({{}, stat_fd(dir_.get()).ino, {}});
    clear_names();
  }

  std::vector<NotCleared> run() {
    while (!stop_()) {
      auto& directories = levels_.back().directories;
      if (!directories.empty()) {
        auto leaf = std::move(directories.back());
        directories.pop_back();
        attempt(leaf, [&] { enter(leaf); });
      } else if (levels_.size() > 1) {
        leave();
      } else {
        break;
      }
    }
    return std::move(left_);
  }

 private:
  // Of the directory at hand: all but directories go.
  void clear_names() {
    take_flags();
    for (auto& name : list_names(dir_.get())) {
      const auto inode = stat_name(dir_.get(), name.c_str());
      if (inode && inode->is_directory())
        levels_.back().directories.push_back(std::move(name));
      else if (inode)
        attempt(
            name, [&] { remove_name(dir_.get(), name); }, inode->is_regular());
    }
  }

  void take_flags() const {
    constexpr std::uint32_t flags = FS_IMMUTABLE_FL | FS_APPEND_FL;
    if ((inode_flags(dir_.get()) & flags) != 0) change_inode_flags(dir_.get(), 0, flags);
  }

  void enter(const std::string& leaf) {
    Fd below = open_directory_at(dir_.get(), leaf, leaf);
    if (mount_id(below.get()) != mount_) throw std::system_error(EXDEV, std::generic_category());
    std::swap(dir_, below);
    levels_.push_back({leaf, stat_fd(dir_.get()).ino, {}});
    try {
      clear_names();
    } catch (const std::system_error&) {
      levels_.pop_back();
      std::swap(dir_, below);
      throw;
    }
  }

  void leave() {
    const auto leaf = std::move(levels_.back().leaf);
    levels_.pop_back();
    dir_ = open_parent(dir_.get());
    if (stat_fd(dir_.get()).ino != levels_.back().ino) throw std::system_error(ESTALE, std::generic_category(), leaf);
    attempt(leaf, [&] { remove_empty_directory(dir_.get(), leaf); });
  }

  template <typename Step>
  void attempt(const std::string& leaf, const Step& step, bool is_regular = false) {
    try {
      step();
    } catch (const std::system_error& error) {
      left_.push_back({path_of(leaf), error.code().message(), is_regular && is_error(error, EPERM)});
    }
  }

  std::string path_of(const std::string& leaf) const {
    std::string path;
    for (const auto& level : levels_)
      if (!level.leaf.empty()) path += level.leaf + "/";
    return path + leaf;
  }

  const std::function<bool()>& stop_;
  std::uint64_t mount_;
  Fd dir_;
  std::vector<Level> levels_;
  std::vector<NotCleared> left_;
};

}  // namespace

std::vector<NotCleared> clear_tree(const RootDir& root, const std::function<bool()>& stop) {
  return Clearing(root, stop).run();
}

}  // namespace vunify
