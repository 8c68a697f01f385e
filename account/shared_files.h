// SPDX-License-Identifier: Apache-2.0
// Files of which st_blocks does not say all: they share extents, or take less than they hold. Filled from many threads
// while their names are walked.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "account/layout.h"
#include "account/sweep.h"

namespace vunify {

struct InodeNumber {
  std::uint32_t volume = 0;  // a number for the subvolume
  std::uint64_t ino = 0;
  auto operator<=>(const InodeNumber&) const = default;
};

class SharedFiles {
 public:
  // holder: of the only name; an inode with several gets its holders when all are known.
  void add(const InodeNumber& inode, const FileLayout& layout, std::optional<Share> holder);

  // Once nobody adds any more. Of an inode with several names; nothing where st_blocks says all.
  struct Linked {
    std::uint64_t bytes = 0;
    std::uint32_t file = 0;
    bool is_shared = false;
  };
  std::optional<Linked> find(const InodeNumber& inode) const;
  void set_holders(const Linked& linked, std::vector<Share> holders) { holders_[linked.file] = std::move(holders); }

  // From now on this one comes before all others. It need not be among them. After the last set_holders().
  void bring_forward(const InodeNumber& inode);

  // Gives away each piece, with the inode that comes first of those that have it.
  using GivePiece =
      std::function<void(std::uint64_t bytes, const std::vector<Share>& holders, const InodeNumber& inode)>;
  void sweep(bool by_extent, const GivePiece& give);

 private:
  std::mutex adding_;
  std::vector<Piece> pieces_;
  HoldersOfFiles holders_;
  std::vector<InodeNumber> inodes_;  // of files, as holders_
  std::map<InodeNumber, Linked> linked_;
};

}  // namespace vunify
