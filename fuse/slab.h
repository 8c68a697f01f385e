// SPDX-License-Identifier: Apache-2.0
// Blocks of one size, known by number, in one range of memory: what lies in them holds no address, so that the same
// range may one day be shared with the process that follows this one. What is free goes back to the kernel chunk by
// chunk: a guest that was searched once through a million files does not keep their memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace vunify {

// Not for several threads at once; a block stays where it is until it is given back.
class Slab {
 public:
  explicit Slab(std::size_t block_bytes);  // a power of two
  ~Slab();
  Slab(const Slab&) = delete;

  // The number of a block, never 0, with whatever bytes in it. Throws std::bad_alloc.
  std::uint32_t take();
  void give_back(std::uint32_t block);
  void* at(std::uint32_t block) const { return base_ + (std::size_t{block} - 1) * block_bytes_; }

  std::size_t bytes_in_use() const { return chunks_in_use_ * chunk_bytes_; }

 private:
  struct Chunk {
    std::uint32_t used = 0;        // blocks
    std::uint32_t first_free = 0;  // 0: none but those that were never taken
    std::uint32_t fresh = 0;       // so many were taken once
    bool listed = false;           // in open_
  };
  std::uint32_t chunk_of(std::uint32_t block) const { return (block - 1) / blocks_; }
  std::uint32_t open_chunk();
  void release(std::uint32_t number);

  std::size_t block_bytes_, chunk_bytes_;
  std::uint32_t blocks_;  // of a chunk
  char* base_;
  std::vector<Chunk> chunks_;
  std::vector<std::uint32_t> open_;  // chunks that may have a free block
  std::size_t chunks_in_use_ = 0;
};

}  // namespace vunify
