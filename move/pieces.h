// SPDX-License-Identifier: Apache-2.0
// A file's bytes a piece at a time, its holes left out.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace vunify {

inline constexpr std::size_t page_bytes = 4096;
inline constexpr std::size_t block_bytes = 64 << 10;  // what a fingerprint takes at a time
inline constexpr std::size_t piece_bytes = 1 << 20;   // a multiple of it

using TakePiece = std::function<void(std::uint64_t offset, std::string_view bytes)>;

// What lies in the first `size` bytes, in ascending order. Each piece begins on a block, and only the file's last one
// ends within one; a block with any data in it comes whole. Throws what reading meets.
void read_pieces(int fd, std::uint64_t size, const TakePiece& take);

// Of a piece, what is to be written: all of it, or of a file with holes the runs of pages that are not all zeros.
void each_run(std::uint64_t offset, std::string_view piece, bool is_sparse, const TakePiece& take);

bool is_all_zeros(std::string_view bytes);

// A page of it at least is in no place on disk.
inline bool has_holes(std::uint64_t size, std::uint64_t bytes_on_disk) { return bytes_on_disk + page_bytes <= size; }

}  // namespace vunify
