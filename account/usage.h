// SPDX-License-Identifier: Apache-2.0
// What a holder uses of one filesystem. Holders are the guests, and "(host)": all that lies on it and in no guest.
//
//   a file of 8 KiB, one inode of guests a, b and c:  logical 8 KiB for each, exclusive 0, fair 8/3 KiB
//   a file that a alone has:                          logical, exclusive and fair 8 KiB for a
//
// Sizes are bytes as allocated on disk. Whoever adds up `fair` over all holders has what all of them hold, to the byte:
// what an inode's size leaves over when it is divided goes to its first holder.
#pragma once

#include <cstdint>

namespace vunify {

inline constexpr auto host_name = "(host)";

struct Usage {
  std::uint64_t logical = 0;       // each inode once, whole: what a copy of this holder alone would take
  std::uint64_t exclusive = 0;     // what would be free if it went
  std::uint64_t fair = 0;          // of each inode and extent its size, divided by the number of its holders
  std::uint64_t inodes = 0;        // of every kind, those shared with others too
  std::uint64_t deunify_need = 0;  // what must be free for `vunify -R` of it

  std::uint64_t shared() const { return logical - exclusive; }
  // Below zero where a holder uses little of an extent that btrfs keeps whole for him.
  std::int64_t saved() const { return static_cast<std::int64_t>(logical - fair); }
  Usage& operator+=(const Usage& other);
  bool operator==(const Usage&) const = default;
};

}  // namespace vunify
