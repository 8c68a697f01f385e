// SPDX-License-Identifier: Apache-2.0
#include "unify/reading.h"

#include <algorithm>
#include <system_error>

namespace vunify {

std::uint64_t Reading::next_data(std::uint64_t offset) const {
  try {
    return vunify::next_data(fd(), offset);
  } catch (const std::system_error&) {
    return offset;
  }
}

void Reading::write_to(FreshCopy& copy, std::uint64_t offset, std::span<const char> chunk) const {
  if (!is_sparse()) return copy.write(offset, chunk);
  for (std::uint64_t at = 0; at < chunk.size();) {
    const auto data = next_data(offset + at) / smallest_chunk * smallest_chunk;
    if (data >= offset + chunk.size()) return;
    at = std::max(at, data - std::min(data, offset));
    const auto length = std::min<std::uint64_t>(smallest_chunk, chunk.size() - at);
    copy.write(offset + at, chunk.subspan(at, length));
    at += length;
  }
}

}  // namespace vunify
