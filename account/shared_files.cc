// SPDX-License-Identifier: Apache-2.0
#include "account/shared_files.h"

#include <algorithm>

namespace vunify {

void SharedFiles::add(const InodeNumber& inode, const FileLayout& layout, std::optional<Share> holder) {
  const std::lock_guard lock(adding_);
  const auto file = static_cast<std::uint32_t>(inodes_.size());
  inodes_.push_back(inode);
  holders_.push_back(holder ? std::vector{*holder} : std::vector<Share>());
  if (!holder) linked_[inode] = {layout.bytes, file, layout.is_shared};
  for (const auto& piece : layout.pieces) pieces_.push_back({piece.extent, piece.begin, piece.end, file});
}

std::optional<SharedFiles::Linked> SharedFiles::find(const InodeNumber& inode) const {
  const auto found = linked_.find(inode);
  if (found == linked_.end()) return std::nullopt;
  return found->second;
}

void SharedFiles::bring_forward(const InodeNumber& inode) {
  const auto found = std::ranges::find(inodes_, inode);
  if (found == inodes_.end()) return;
  const auto number = static_cast<std::uint32_t>(found - inodes_.begin());
  std::swap(inodes_[0], inodes_[number]);
  std::swap(holders_[0], holders_[number]);
  for (auto& piece : pieces_)
    if (piece.file == 0 || piece.file == number) piece.file = number - piece.file;
}

void SharedFiles::sweep(bool by_extent, const GivePiece& give) {
  const auto give_file = [&](std::uint64_t bytes, const std::vector<Share>& holders, std::uint32_t file) {
    give(bytes, holders, inodes_[file]);
  };
  by_extent ? sweep_extents(std::move(pieces_), holders_, give_file) : sweep_ranges(pieces_, holders_, give_file);
}

}  // namespace vunify
