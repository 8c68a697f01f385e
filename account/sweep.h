// SPDX-License-Identifier: Apache-2.0
// Divides what lies in pieces of the disk that several files may have: each piece among all who hold one of its files.
#pragma once

#include <functional>
#include <vector>

#include "account/layout.h"
#include "account/shares.h"

namespace vunify {

// Called with each range, or extent, once: its bytes, its holders, one for each, and one of its files, the first.
using Give = std::function<void(std::uint64_t bytes, const std::vector<Share>& holders, std::uint32_t file)>;

// holders[i]: of file i, one for each.
using HoldersOfFiles = std::vector<std::vector<Share>>;

// XFS: wherever other files begin or end, a range begins.
void sweep_ranges(const std::vector<Piece>& pieces, const HoldersOfFiles& holders, const Give& give);

// btrfs: an extent is its holders' as a whole, whichever part of it they use; its bytes are those that are used at all.
// What nobody uses is waste, and nobody's.
void sweep_extents(std::vector<Piece> pieces, const HoldersOfFiles& holders, const Give& give);

}  // namespace vunify
