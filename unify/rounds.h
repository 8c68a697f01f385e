// SPDX-License-Identifier: Apache-2.0
// A class too large to be held open at once goes in rounds. Its first member, to which the others are led, comes again
// in each.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <vector>

namespace vunify {

// Rounds of at most `most` members, two or more; all: two members or more.
template <typename T>
std::vector<std::vector<T>> in_rounds(const std::vector<T>& all, std::size_t most) {
  assert(most >= 2 && all.size() >= 2);
  std::vector<std::vector<T>> rounds;
  for (std::size_t at = 1; at < all.size(); at += most - 1) {
    const auto end = std::min(all.size(), at + most - 1);
    auto& round = rounds.emplace_back(std::vector<T>{all.front()});
    round.insert(round.end(), all.begin() + static_cast<std::ptrdiff_t>(at),
                 all.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return rounds;
}

}  // namespace vunify
