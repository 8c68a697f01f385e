// SPDX-License-Identifier: Apache-2.0
// The names of all inodes that have several: 24 bytes each, so 48 at most while the tables grow. Whoever has but one
// name never comes here. In shards by inode number: threads that add seldom meet, and each is sorted by itself.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace vunify {

struct LinkedName {
  std::uint64_t ino = 0;
  std::uint64_t bytes = 0;
  std::uint32_t volume : 31 = 0;  // a number for the subvolume
  std::uint32_t is_regular : 1 = 0;
  std::uint32_t part = 0;
};
static_assert(sizeof(LinkedName) == 24);

class NamesOfLinked {
 public:
  // From any thread. True for the first name of an inode, where that is asked.
  void add(const LinkedName& name);
  bool is_first(std::uint32_t volume, std::uint64_t ino);

  std::uint64_t size() const;
  // One call an inode, with its names; nobody adds any more.
  void for_each_inode(const std::function<void(std::span<const LinkedName>)>& look);

 private:
  struct Shard {
    std::mutex filling;
    std::vector<LinkedName> names;
    std::set<std::pair<std::uint32_t, std::uint64_t>> seen;  // where somebody asks
  };
  Shard& shard_of(std::uint64_t ino) { return shards_[ino * 0x9E3779B97F4A7C15 >> 58]; }

  std::array<Shard, 64> shards_;
};

}  // namespace vunify
