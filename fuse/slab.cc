// SPDX-License-Identifier: Apache-2.0
#include "fuse/slab.h"

#include <cstring>
#include <new>

#include "sys/memory_range.h"

namespace vunify {
namespace {

constexpr std::size_t smallest_chunk = 16 << 10;
constexpr std::size_t range_bytes = std::size_t{64} << 30;  // of addresses, not of memory

}  // namespace

Slab::Slab(std::size_t block_bytes)
    : block_bytes_(block_bytes),
      chunk_bytes_(smallest_chunk),
      blocks_(static_cast<std::uint32_t>(smallest_chunk / block_bytes)),
      base_(static_cast<char*>(reserve_range(range_bytes))) {}

Slab::~Slab() { give_range_back(base_, range_bytes); }

// The first chunk that has room; a new one where none has.
std::uint32_t Slab::open_chunk() {
  while (!open_.empty()) {
    const auto number = open_.back();
    if (chunks_[number].used < blocks_) return number;
    chunks_[number].listed = false;
    open_.pop_back();
  }
  chunks_.push_back({.listed = true});
  open_.push_back(static_cast<std::uint32_t>(chunks_.size() - 1));
  return open_.back();
}

std::uint32_t Slab::take() {
  const auto number = open_chunk();
  auto& chunk = chunks_[number];
  if (chunk.used == 0) {
    use_range(base_ + number * chunk_bytes_, chunk_bytes_);
    ++chunks_in_use_;
  }
  ++chunk.used;
  if (chunk.first_free == 0) return number * blocks_ + ++chunk.fresh;
  const auto block = chunk.first_free;
  std::memcpy(&chunk.first_free, at(block), sizeof chunk.first_free);
  return block;
}

void Slab::give_back(std::uint32_t block) {
  const auto number = chunk_of(block);
  auto& chunk = chunks_[number];
  std::memcpy(at(block), &chunk.first_free, sizeof chunk.first_free);
  chunk.first_free = block;
  if (!chunk.listed) {
    chunk.listed = true;
    open_.push_back(number);
  }
  if (--chunk.used == 0) release(number);
}

void Slab::release(std::uint32_t number) {
  give_memory_back(base_ + number * chunk_bytes_, chunk_bytes_);
  chunks_[number].first_free = 0;
  chunks_[number].fresh = 0;
  --chunks_in_use_;
}

}  // namespace vunify
