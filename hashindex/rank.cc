// SPDX-License-Identifier: Apache-2.0
#include "hashindex/rank.h"

#include <algorithm>
#include <map>

namespace vunify {
namespace {

using Ranks = std::map<std::uint32_t, std::vector<std::uint32_t>>;

// Shared inodes first: they are the keepers of the low ranks.
Ranks rank(const Candidates& candidates, std::vector<std::uint32_t> inodes) {
  std::ranges::stable_sort(inodes, std::greater{}, [&](std::uint32_t i) { return candidates.inodes[i].shared; });
  std::map<std::uint32_t, std::uint32_t> copies;  // by guest, so far
  Ranks ranks;
  for (const auto inode : inodes) {
    const auto names = candidates.names_of(candidates.inodes[inode]);
    std::uint32_t rank = 0;
    for (const auto name : names) rank = std::max(rank, copies[name.guest]);
    for (const auto name : names) copies[name.guest] = rank + 1;
    ranks[rank].push_back(inode);
  }
  return ranks;
}

}  // namespace

std::vector<std::vector<std::uint32_t>> parts_by_rank(const Candidates& candidates, std::vector<std::uint32_t> inodes,
                                                      std::size_t max_open) {
  std::vector<std::vector<std::uint32_t>> parts(1);
  for (const auto& [number, members] : rank(candidates, std::move(inodes))) {
    if (parts.back().size() + members.size() > max_open && !parts.back().empty()) parts.emplace_back();
    for (const auto inode : members) {
      if (parts.back().size() == max_open) parts.push_back({members.front()});
      parts.back().push_back(inode);
    }
  }
  return parts;
}

}  // namespace vunify
