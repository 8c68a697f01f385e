// SPDX-License-Identifier: Apache-2.0
// The files of one guest, as the walk found them. A host has millions: a file takes 56 bytes, its leaf and a NUL, and a
// share in its directory's path.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "survey/blocks.h"
#include "survey/verdict.h"
#include "sys/inode.h"

namespace vunify {

// A Timestamp in 8 bytes: exact from the year 1697 to 2242. What lies outside is folded into these years, which only
// an inode whose time was set so can tell.
struct ShortTime {
  std::int64_t sec : 34 = 0;
  std::uint64_t nsec : 30 = 0;

  ShortTime() = default;
  ShortTime(Timestamp time) : sec(time.sec), nsec(time.nsec) {}  // NOLINT(google-explicit-constructor)
  Timestamp full() const { return {sec, static_cast<std::uint32_t>(nsec)}; }
  bool operator==(const ShortTime&) const = default;
};

struct ShortStamp {
  std::uint64_t size = 0;
  ShortTime mtime;
  ShortTime ctime;

  ShortStamp() = default;
  ShortStamp(const Stamp& stamp)  // NOLINT(google-explicit-constructor)
      : size(stamp.size), mtime(stamp.mtime), ctime(stamp.ctime) {}
  Stamp full() const { return {size, mtime.full(), ctime.full()}; }
  bool operator==(const ShortStamp&) const = default;
};

// One name of a regular file, and the inode it led to.
struct File {
  std::uint64_t ino = 0;
  ShortStamp stamp;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t nlink = 0;
  std::uint32_t blocks_low = 0;
  std::uint16_t blocks_high = 0;
  std::uint16_t mode : 12 = 0;  // permissions: its type is known
  std::uint16_t immutable : 1 = 0;
  std::uint16_t stale_mark : 1 = 0;  // marked, but void, and immutable: shared before the filesystem's identity changed
  std::uint16_t unasked : 1 = 0;     // not asked for, or in a directory that takes no other: what it leads to stays
  Verdict verdict = Verdict::open;   // what the walk alone could say
  bool marked = false;

  File() = default;
  explicit File(const Inode& inode);

  std::uint64_t bytes_on_disk() const { return ((std::uint64_t{blocks_high} << 32) + blocks_low) * 512; }
  // What the walk saw is true still. Of a shared inode ctime and link count move with every name that another guest
  // removes: they do not count.
  bool is_still(const Inode& now, bool shared) const;
};
static_assert(sizeof(File) == 56);

// Filled by many threads during the walk, then read only.
class Tree {
 public:
  // Adds what one directory holds: leaves[i] is the name of files[i].
  void add(std::string_view directory, std::span<const File> files, std::span<const std::string_view> leaves);

  const Blocks<File>& files() const { return files_; }
  File& file(std::uint32_t index) { return files_[index]; }
  const File& file(std::uint32_t index) const { return files_[index]; }
  std::string path(std::uint32_t index) const;  // from the guest's root, without a leading slash

  std::uint32_t refserver = ~std::uint32_t{0};  // its guest's rank as one (GuestRules)
  bool is_adopted = false;                      // its guest: what it shares needs no flag
  FsId fs;                                      // whose inode numbers these are: snapshots of one btrfs have the same
  std::vector<std::uint64_t> excluded_inodes;   // numbers of those with names beneath excluded directories, sorted

 private:
  // The files from first_file on, up to the next directory's. text: its path and NUL, then every leaf and NUL.
  struct Directory {
    const char* text = nullptr;
    std::uint32_t first_file = 0;
  };
  char* make_room(std::size_t bytes);
  const char* leaf_of(const Directory& directory, std::uint32_t index) const;

  std::mutex filling_;  // guards all below during the walk
  Blocks<File> files_;
  Blocks<Directory> directories_;
  Blocks<std::uint32_t> waymarks_;  // where the leaf of every 16th file is in its directory's text
  std::vector<std::unique_ptr<char[]>> texts_;
  std::size_t room_ = 0;  // left at the end of the last text
  char* next_ = nullptr;
};

using Trees = std::deque<Tree>;  // of the guests, in their order

}  // namespace vunify
