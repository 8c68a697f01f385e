// SPDX-License-Identifier: Apache-2.0
// Blocks of one size, known by number, in one range of memory that the process which follows this one has, too: what
// lies in them holds no address. What is free goes back to the kernel chunk by chunk: a guest that was searched once
// through a million files does not keep their memory.
//
// Which of them are in use only this process knows: the next one is told, block by block, by whoever uses them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sys/shared_memory.h"

namespace vunify {

// Not for several threads at once; a block stays where it is until it is given back.
class Slab {
 public:
  // At an offset of the memory. block_bytes: a power of two.
  Slab(SharedMemory& memory, std::size_t offset, std::size_t block_bytes);
  Slab(const Slab&) = delete;

  // The number of a block, never 0, with whatever bytes in it. Throws std::bad_alloc.
  std::uint32_t take();
  void give_back(std::uint32_t block);
  void* at(std::uint32_t block) const { return base_ + (std::size_t{block} - 1) * block_bytes_; }

  // In the memory of a process that died: see(block) for each that may be in use; then take_up() of those that are, in
  // whatever order; and settle(), by which all others are free.
  template <typename See>
  void for_each(const See& see) const {
    for (auto piece = next_used(0); piece.begin != piece.end; piece = next_used(piece.end))
      for (auto block = piece.begin / block_bytes_; block < piece.end / block_bytes_; ++block)
        see(static_cast<std::uint32_t>(block + 1));
  }
  void take_up(std::uint32_t block);
  void settle();

  std::size_t bytes_in_use() const { return chunks_in_use_ * chunk_bytes_; }

 private:
  struct Chunk {
    std::uint32_t used = 0;        // blocks
    std::uint32_t first_free = 0;  // 0: none but those that were never taken
    std::uint32_t fresh = 0;       // so many were taken once
    bool listed = false;           // in open_
  };
  std::uint32_t chunk_of(std::uint32_t block) const { return (block - 1) / blocks_; }
  std::size_t offset_of_chunk(std::uint32_t number) const { return offset_ + number * chunk_bytes_; }
  SharedMemory::Piece next_used(std::size_t begin) const;
  std::uint32_t open_chunk();
  void add_chunk();
  void link_free(std::uint32_t number);
  void release(std::uint32_t number);

  SharedMemory& memory_;
  std::size_t offset_, block_bytes_, chunk_bytes_;
  std::uint32_t blocks_;  // of a chunk
  std::byte* base_;
  std::vector<Chunk> chunks_;
  std::vector<std::uint32_t> open_;  // chunks that may have a free block
  std::vector<bool> taken_up_;       // until settle()
  std::size_t chunks_in_use_ = 0;
};

}  // namespace vunify
