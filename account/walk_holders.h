// SPDX-License-Identifier: Apache-2.0
// The walk that measures: over all holders of a filesystem, and the subvolumes in their trees.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "account/holders.h"
#include "sys/stop.h"
#include "sys/walk.h"

namespace vunify {

// A directory that is walked with all beneath it: a holder's root, or a subvolume inside his tree.
struct Top {
  std::uint32_t holder = 0;
  std::uint32_t volume = 0;  // a number for the subvolume, or the filesystem that has none
  std::string prefix;        // its path from the holder's root, with a slash behind it; or empty
  const RootDir* tree = nullptr;
};

class HolderWalk {
 public:
  // Called from many threads. visit sets no Entry::enter: all directories are entered but the roots of other holders.
  using Visit = std::function<void(const Top& top, const Listing& listing)>;
  using Failed = std::function<void(std::size_t holder, const std::string& path, const std::system_error& error)>;

  HolderWalk(const HeldFilesystem& held, const Stop& stop) : held_(held), stop_(stop) {}

  // In the caller's tbb::task_arena.
  void run(const Visit& visit, const Failed& failed);
  // st_dev of each volume.
  const std::vector<std::uint64_t>& devs() const { return devs_; }

 private:
  struct Subvolume {
    const Top* top;
    std::string path;  // in top's tree
  };
  std::uint32_t volume_of(std::uint64_t dev);
  void walk_tops(std::size_t begin, std::size_t end, const Visit& visit, const Failed& failed);
  void add_subvolume(const Subvolume& found, const Failed& failed);
  bool is_root(const Inode& inode) const;
  bool is_others_root(int dir, const Entry& entry) const;

  const HeldFilesystem& held_;
  const Stop& stop_;
  std::vector<std::uint64_t> devs_;
  std::deque<Top> tops_;
  std::deque<RootDir> subtrees_;  // of tops_ that are subvolumes
  std::mutex finding_;            // guards found_
  std::vector<Subvolume> found_;
};

}  // namespace vunify
