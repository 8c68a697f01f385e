// SPDX-License-Identifier: Apache-2.0
#include "unify/refine.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <utility>

namespace vunify {
namespace {

class Refinement {
 public:
  explicit Refinement(const DigestKey& key) : key_(key) {}

  // Leaves chunk empty where it began a block.
  void add(std::size_t member, std::vector<char>& chunk) {
    const auto block = block_of(chunk);
    if (block == blocks_.size()) blocks_.push_back({{}, std::exchange(chunk, {})});
    blocks_[block].members.push_back(member);
  }

  std::vector<RefinedBlock> take() {
    assert(std::ranges::none_of(blocks_, [](const RefinedBlock& block) { return block.members.empty(); }));
    return std::move(blocks_);
  }

 private:
  std::size_t block_of(const std::vector<char>& chunk) {
    if (blocks_.empty() || chunk == blocks_[0].chunk) return 0;
    const auto digest = key_.of(chunk);
    const auto [begin, end] = by_digest_.equal_range(digest);
    const auto found = std::find_if(begin, end, [&](const auto& one) { return blocks_[one.second].chunk == chunk; });
    if (found != end) return found->second;
    by_digest_.emplace(digest, blocks_.size());
    return blocks_.size();
  }

  const DigestKey& key_;
  std::vector<RefinedBlock> blocks_;
  std::multimap<Digest, std::size_t> by_digest_;  // of all blocks but the first
};

}  // namespace

std::vector<RefinedBlock> refine(std::size_t count, const ReadNext& read_next, const DigestKey& key) {
  Refinement refinement(key);
  std::vector<char> chunk;
  for (std::size_t member = 0; member < count; ++member)
    if (read_next(member, chunk)) refinement.add(member, chunk);
  return refinement.take();
}

}  // namespace vunify
