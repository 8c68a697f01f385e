// SPDX-License-Identifier: Apache-2.0
// Which files may hold the same, by what a look at them tells. Asked both ways: which of those that are here are worth
// reading for what comes, and of what comes, for which files there is any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace vunify {

struct FileLook {
  std::uint64_t size = 0;
  bool is_sparse = false;  // a copy has the holes of what it was copied from
  std::int64_t mtime = 0;  // whole seconds
  std::string_view leaf;
};

class Likes {
 public:
  // To read a small file costs more than to send it: it has to be like the other in its mtime, or in its name. Larger
  // ones may have any. Bytes.
  static constexpr std::uint64_t worth_reading = 64 << 10;

  explicit Likes(std::uint64_t least_of_any_name = worth_reading) : least_of_any_name_(least_of_any_name) {}

  void add(const FileLook& look) {
    auto& like = by_size_[key_of(look)];
    if (look.size >= least_of_any_name_) return;
    like.mtimes.insert(look.mtime);
    like.leaves.emplace(look.leaf);
  }

  bool has_like(const FileLook& look) const {
    const auto like = by_size_.find(key_of(look));
    if (like == by_size_.end()) return false;
    return look.size >= least_of_any_name_ || like->second.mtimes.contains(look.mtime) ||
           like->second.leaves.contains(std::string(look.leaf));
  }

 private:
  struct Like {
    std::unordered_set<std::int64_t> mtimes;
    std::unordered_set<std::string> leaves;
  };
  static std::uint64_t key_of(const FileLook& look) { return look.size * 2 + (look.is_sparse ? 1 : 0); }

  std::uint64_t least_of_any_name_;
  std::unordered_map<std::uint64_t, Like> by_size_;
};

}  // namespace vunify
