// SPDX-License-Identifier: Apache-2.0
// Which files are locked now (/proc/locks, proc(5)): a lock says that a program is in the middle of something.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
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

  // The process that took the flock(2) which an inode has now. Nobody who tries to take it meanwhile notices that we
  // asked. Nothing where there is no flock, or none of a process that this one can see.
  std::optional<int> flock_holder(std::uint64_t superblock_dev, std::uint64_t ino) const;

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  struct Hash {
    std::size_t operator()(const Key& key) const { return key.first * 0x9E3779B97F4A7C15 ^ key.second; }
  };
  std::unordered_set<Key, Hash> locked_;
  std::map<Key, int> flocks_;  // those that are held, not those waited for
};

// The table for one who asks of many files: it is looked up again once it is old, and so seldom that reading it takes a
// small part of the time only, however long guests make it. One thread's.
class RecentLocks {
 public:
  bool is_locked(std::uint64_t superblock_dev, std::uint64_t ino);

 private:
  FileLocks locks_;
  std::chrono::steady_clock::time_point due_{};
};

}  // namespace vunify
