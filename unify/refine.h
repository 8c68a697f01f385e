// SPDX-License-Identifier: Apache-2.0
// One step of partition refinement (Paige and Tarjan 1987): a block of members that were equal so far is split by what
// each of them reads next. It knows no files.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "hashindex/digest.h"

namespace vunify {

struct RefinedBlock {
  std::vector<std::size_t> members;
  std::vector<char> chunk;  // what all of them read
};

// Puts the member's next bytes into chunk. False where it drops out.
using ReadNext = std::function<bool(std::size_t member, std::vector<char>& chunk)>;

// Asks members 0 to count - 1 once each, in order. Blocks come in the order of their first members. Chunks are compared
// byte for byte: nearly all are equal to the first, and only of the others a digest is taken, to find their equals.
std::vector<RefinedBlock> refine(std::size_t count, const ReadNext& read_next, const DigestKey& key);

}  // namespace vunify
