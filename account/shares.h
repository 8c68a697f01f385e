// SPDX-License-Identifier: Apache-2.0
// Whose something is.
//
// A holder may be divided further, into parts: his directories, his packages. What he holds by names in several parts
// is the first one's, so that what all his parts use is what he uses.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace vunify {

// In their order the first one of each holder stands before his others.
struct Share {
  std::uint32_t holder = 0;
  std::uint32_t part = 0;
  auto operator<=>(const Share&) const = default;
};

// Leaves the first of each holder's: one for each who has it.
inline void leave_one_each(std::vector<Share>& shares) {
  std::ranges::sort(shares);
  const auto is_same = [](const Share& one, const Share& other) { return one.holder == other.holder; };
  shares.erase(std::unique(shares.begin(), shares.end(), is_same), shares.end());
}

}  // namespace vunify
