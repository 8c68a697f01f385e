// SPDX-License-Identifier: Apache-2.0
// Numbers whose highest byte comes first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace vunify {

// Of `width` bytes, at most 4; they are there.
inline std::uint32_t big_endian(std::string_view bytes, std::size_t at, std::size_t width = 4) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

}  // namespace vunify
