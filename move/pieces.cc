// SPDX-License-Identifier: Apache-2.0
#include "move/pieces.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "sys/quiet_read.h"

namespace vunify {
namespace {

std::size_t end_of_run(std::string_view piece, std::size_t at) {
  while (at < piece.size() && !is_all_zeros(piece.substr(at, page_bytes))) at += page_bytes;
  return std::min(at, piece.size());
}

}  // namespace

bool is_all_zeros(std::string_view bytes) {
  return bytes.empty() || (bytes[0] == '\0' && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

void read_pieces(int fd, std::uint64_t size, const TakePiece& take) {
  QuietReader reader(fd);
  std::vector<char> buffer(std::min<std::uint64_t>(size, piece_bytes));
  for (std::uint64_t at = 0; (at = next_data(fd, at)) < size;) {
    at -= at % block_bytes;
    const auto got = reader.read_at(at, std::span(buffer).first(std::min<std::uint64_t>(size - at, buffer.size())));
    if (got == 0) return;  // it became shorter
    take(at, {buffer.data(), got});
    at += got;
  }
}

void each_run(std::uint64_t offset, std::string_view piece, bool is_sparse, const TakePiece& take) {
  if (!is_sparse) return take(offset, piece);
  for (std::size_t at = 0; at < piece.size(); at += page_bytes) {
    const auto end = end_of_run(piece, at);
    if (end > at) take(offset + at, piece.substr(at, end - at));
    at = end;  // a page of zeros, or the end
  }
}

}  // namespace vunify
