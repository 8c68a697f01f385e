// SPDX-License-Identifier: Apache-2.0
// What several holders have in common: so much of it as saves most, and what was asked for.
#pragma once

#include <cstdint>
#include <vector>

#include "account/shares.h"

namespace vunify {

// One inode, as this run sees it.
struct HeldInode {
  std::uint64_t dev = 0;  // st_dev: for this run only
  std::uint64_t ino = 0;
  auto operator<=>(const HeldInode&) const = default;
};

struct Content {
  HeldInode inode;                     // of extents: the first that has them
  std::uint64_t bytes = 0;             // once
  std::vector<std::uint32_t> holders;  // indices

  std::uint64_t saved() const { return bytes * (holders.size() - 1); }
};

class Contents {
 public:
  // most: so many are kept. asked: it is told of whatever it is.
  Contents(std::size_t most, const HeldInode& asked) : most_(most), asked_(asked) {}

  // holders: one share each.
  void add(const HeldInode& inode, std::uint64_t bytes, const std::vector<Share>& holders);

  std::vector<Content> largest();                                 // largest saving first
  const std::vector<Content>& pieces() const { return pieces_; }  // of what was asked for, each with holders of its own

 private:
  void leave_largest();

  std::size_t most_;
  HeldInode asked_;
  std::vector<Content> contents_, pieces_;
};

}  // namespace vunify
