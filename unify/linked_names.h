// SPDX-License-Identifier: Apache-2.0
// The names that this run led to a shared inode, or whose data it shared, and from whom they have it: noted only where
// somebody wants to be told of every file.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>

#include "survey/candidates.h"

namespace vunify {

class LinkedNames {
 public:
  // from: a guest of this run; nothing where the inode is the names' own, or an unwalked keeper's. From any thread.
  void note(std::span<const NameRef> names, std::optional<std::uint32_t> from) {
    const std::lock_guard lock(noting_);
    for (const auto name : names) from_.insert_or_assign(key_of(name), from);
  }

  bool contains(NameRef name) const { return from_.contains(key_of(name)); }
  std::optional<std::uint32_t> from(NameRef name) const { return from_.at(key_of(name)); }

 private:
  static std::uint64_t key_of(NameRef name) { return std::uint64_t{name.guest} << 32 | name.file; }

  std::mutex noting_;
  std::unordered_map<std::uint64_t, std::optional<std::uint32_t>> from_;  // by guest and file
};

}  // namespace vunify
