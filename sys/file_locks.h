// SPDX-License-Identifier: Apache-2.0
// Which files are locked now (/proc/locks, proc(5)): a lock says that a program is in the middle of something.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace vunify {

// One look at the table. Leases are not locks, and do not count.
class FileLocks {
 public:
  static FileLocks read();
  static FileLocks parse(std::string_view table);

  // superblock_dev: Mount::dev.
  bool is_locked(std::uint64_t superblock_dev, std::uint64_t ino) const;

 private:
  struct Hash {
    std::size_t operator()(const std::pair<std::uint64_t, std::uint64_t>& key) const {
      return key.first * 0x9E3779B97F4A7C15 ^ key.second;
    }
  };
  std::unordered_set<std::pair<std::uint64_t, std::uint64_t>, Hash> locked_;
};

}  // namespace vunify
