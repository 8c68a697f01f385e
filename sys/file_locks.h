// SPDX-License-Identifier: Apache-2.0
// Which files are locked now (/proc/locks, proc(5)): a lock says that a program is in the middle of something.
//
// Guests make the table as long as they like, and to show a page of it the kernel walks over all that comes before,
// while nobody else can lock anything: 150,000 locks take it seconds. So only its beginning is read; where that is not
// all, an inode is asked itself.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace vunify {

struct LockTable {
  std::string text;  // whole lines
  bool is_whole = true;
};

// The beginning of /proc/locks, some 4 KiB more than most_bytes at most.
LockTable read_lock_table(std::size_t most_bytes);

// True where somebody else locks the inode open at fd (flock, fcntl). Asks the inode: for a microsecond it may have a
// flock(2) of ours, which one who asks for his with LOCK_NB just then is told of.
bool is_locked(int fd);

// One look at the table. Leases are not locks, and do not count.
class FileLocks {
 public:
  // 20,000 lines at most, leases among them, which take the kernel 30 ms.
  static FileLocks read();
  // However long that takes.
  static FileLocks read_all();
  static FileLocks parse(std::string_view table);

  // False where the table is longer than what was read of it.
  bool is_whole() const { return is_whole_; }

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
  bool is_whole_ = true;
};

// The table for one who asks of many files: it is looked up again once it is old, and so seldom that reading it takes a
// small part of the time only. What was not read of it counts as not locked: whoever links asks again. One thread's.
class RecentLocks {
 public:
  bool is_locked(std::uint64_t superblock_dev, std::uint64_t ino);

 private:
  FileLocks locks_;
  std::chrono::steady_clock::time_point due_{};
};

}  // namespace vunify
