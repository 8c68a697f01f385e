// SPDX-License-Identifier: Apache-2.0
// Sizes in the unit that somebody wants them in, as du(1) has them.
#pragma once

#include <cstdint>
#include <string>

namespace vunify {

struct SizeUnit {
  enum class Kind { binary, decimal, block };
  Kind kind = Kind::binary;
  std::uint64_t block = 1;  // bytes
};

// "2.6 GiB", "2.8 GB", or the number of blocks, rounded up.
std::string format_size(std::uint64_t bytes, const SizeUnit& unit);
// The same of what may be below zero.
std::string format_difference(std::int64_t bytes, const SizeUnit& unit);

}  // namespace vunify
