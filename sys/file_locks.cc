// SPDX-License-Identifier: Apache-2.0
#include "sys/file_locks.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <vector>

#include "sys/fd.h"

namespace vunify {
namespace {

constexpr std::size_t most_locks_bytes = 1 << 20;
constexpr auto locks_age = std::chrono::milliseconds(50);
constexpr int locks_share = 50;  // a look at them takes one of so many parts of the time at most

// Whatever part of it somebody locks. OFD: a lock of this process were one of somebody else's.
bool has_posix_lock(int fd) {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  check(::fcntl(fd, F_OFD_GETLK, &whole), "F_OFD_GETLK");
  return whole.l_type != F_UNLCK;
}

bool has_flock(int fd) {
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return true;
  ::flock(fd, LOCK_UN);
  return false;
}

}  // namespace

// The kernel gives a page at a time, and no half lines.
LockTable read_lock_table(std::size_t most_bytes) {
  const std::string path = "/proc/locks";
  const Fd file = open_host(path, O_RDONLY);
  LockTable table;
  std::vector<char> page(1 << 16);
  while (const auto got = read_some(file.get(), page, path)) {
    table.is_whole = table.text.size() < most_bytes;
    if (!table.is_whole) break;
    table.text.append(page.data(), got);
  }
  return table;
}

bool is_locked(int fd) { return has_posix_lock(fd) || has_flock(fd); }

// "1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 0 EOF", and "1: -> POSIX ..." for one that waits.
FileLocks FileLocks::parse(std::string_view table) {
  FileLocks locks;
  std::istringstream lines{std::string(table)};
  for (std::string line; std::getline(lines, line);) {
    if (line.find(": LEASE ") != std::string::npos) continue;  // thousands of them are ours
    std::istringstream in(line);
    std::string number, kind, mode, access, pid, inode;
    in >> number >> kind;
    const bool waits = kind == "->";
    if (waits) in >> kind;
    in >> mode >> access >> pid >> inode;
    unsigned major = 0, minor = 0;
    unsigned long long ino = 0;
    if (kind == "LEASE" || kind == "DELEG" || std::sscanf(inode.c_str(), "%x:%x:%llu", &major, &minor, &ino) != 3)
      continue;
    const Key key(makedev(major, minor), ino);
    locks.locked_.insert(key);
    if (kind == "FLOCK" && !waits) locks.flocks_[key] = std::atoi(pid.c_str());
  }
  return locks;
}

FileLocks FileLocks::read() {
  const auto table = read_lock_table(most_locks_bytes);
  auto locks = parse(table.text);
  locks.is_whole_ = table.is_whole;
  return locks;
}

FileLocks FileLocks::read_all() { return parse(read_lock_table(std::numeric_limits<std::size_t>::max()).text); }

bool FileLocks::is_locked(std::uint64_t superblock_dev, std::uint64_t ino) const {
  return locked_.contains({superblock_dev, ino});
}

std::optional<int> FileLocks::flock_holder(std::uint64_t superblock_dev, std::uint64_t ino) const {
  const auto found = flocks_.find({superblock_dev, ino});
  if (found == flocks_.end()) return std::nullopt;
  return found->second;
}

bool RecentLocks::is_locked(std::uint64_t superblock_dev, std::uint64_t ino) {
  using Clock = std::chrono::steady_clock;
  const auto now = Clock::now();
  if (now >= due_) {
    locks_ = FileLocks::read();
    const auto read = Clock::now();
    due_ = read + std::max<Clock::duration>(locks_age, locks_share * (read - now));
  }
  return locks_.is_locked(superblock_dev, ino);
}

}  // namespace vunify
