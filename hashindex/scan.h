// SPDX-License-Identifier: Apache-2.0
// What the guests' trees hold now: one parallel walk, one statx a file, no file opened.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "guest/exclude.h"
#include "guest/guest.h"
#include "hashindex/counters.h"
#include "hashindex/verdict.h"
#include "sys/inode.h"
#include "sys/stop.h"
#include "sys/walk.h"

namespace vunify {

// One name of a regular file, and the inode it led to.
struct File {
  std::uint64_t ino = 0;
  std::uint64_t blocks = 0;
  Stamp stamp;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t nlink = 0;
  std::uint32_t directory = 0;        // index into Tree's directories
  std::uint32_t leaf = 0;             // offset into Tree's names
  Verdict verdict = Verdict::shared;  // what the walk alone could say; shared means: nothing against it yet
  bool marked = false;
  bool immutable = false;

  std::uint64_t bytes_on_disk() const { return blocks * 512; }
};

// The files of one guest. Filled by many threads during the walk, then read only.
class Tree {
 public:
  // Adds what one directory holds. files[i].leaf is set here from leaves[i].
  void add(const std::string& directory, std::vector<File> files, const std::vector<std::string_view>& leaves);

  const std::deque<File>& files() const { return files_; }
  File& file(std::uint32_t index) { return files_[index]; }
  const File& file(std::uint32_t index) const { return files_[index]; }
  std::string path(std::uint32_t index) const;  // from the guest's root, without a leading slash

  FsId fs;  // whose inode numbers these are: snapshots of one btrfs have the same

 private:
  std::mutex filling_;  // guards all below during the walk
  std::vector<std::string> directories_;
  std::string names_;  // every leaf, each with its NUL
  std::deque<File> files_;
};

struct ScanFailure {
  std::size_t guest = 0;
  std::string path;
  std::string reason;
};

// trees[i] belongs to guests[i].
struct Scan {
  std::deque<Tree> trees;
  std::vector<ScanFailure> failed;
};

struct ScanRules {
  const ExcludeList* exclude = nullptr;
  std::uint64_t min_size = 1;
};

// Walks every guest, in the caller's tbb::task_arena. A directory that cannot be read is noted, and what lies beneath
// it is not known.
Scan scan_guests(const std::vector<Guest>& guests, const ScanRules& rules, const Stop& stop, Counters& counters);

}  // namespace vunify
