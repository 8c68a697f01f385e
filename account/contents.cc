// SPDX-License-Identifier: Apache-2.0
#include "account/contents.h"

#include <algorithm>
#include <tuple>

namespace vunify {
namespace {

void add_piece(std::vector<Content>& pieces, Content piece) {
  const auto found = std::ranges::find(pieces, piece.holders, &Content::holders);
  if (found == pieces.end()) return pieces.push_back(std::move(piece));
  found->bytes += piece.bytes;
}

}  // namespace

void Contents::add(const HeldInode& inode, std::uint64_t bytes, const std::vector<Share>& holders) {
  const bool is_asked = inode == asked_;
  const bool is_common = most_ != 0 && holders.size() > 1;
  if (!is_asked && !is_common) return;
  Content content{inode, bytes, {}};
  for (const auto& share : holders) content.holders.push_back(share.holder);
  if (is_asked) add_piece(pieces_, content);
  if (!is_common) return;
  // Ranges of one file come one after the other.
  if (!contents_.empty() && contents_.back().inode == inode && contents_.back().holders == content.holders) {
    contents_.back().bytes += bytes;
    return;
  }
  contents_.push_back(std::move(content));
  if (contents_.size() >= 2 * most_ + 1024) leave_largest();
}

void Contents::leave_largest() {
  std::ranges::sort(contents_, [](const Content& one, const Content& other) {
    return std::tuple(other.saved(), one.inode) < std::tuple(one.saved(), other.inode);
  });
  contents_.resize(std::min(contents_.size(), most_));
}

std::vector<Content> Contents::largest() {
  leave_largest();
  return contents_;
}

}  // namespace vunify
