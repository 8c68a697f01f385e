// SPDX-License-Identifier: Apache-2.0
#include "fuse/slab.h"

#include <cstring>
#include <new>

#include "fuse/kept_at.h"

namespace vunify {
namespace {

constexpr std::size_t smallest_chunk = 16 << 10;
constexpr std::size_t most_chunks = kept_at::slab_bytes / smallest_chunk;

}  // namespace

Slab::Slab(SharedMemory& memory, std::size_t offset, std::size_t block_bytes)
    : memory_(memory),
      offset_(offset),
      block_bytes_(block_bytes),
      chunk_bytes_(smallest_chunk),
      blocks_(static_cast<std::uint32_t>(smallest_chunk / block_bytes)),
      base_(memory.at(offset)) {}

void Slab::add_chunk() {
  if (chunks_.size() == most_chunks) throw std::bad_alloc();
  open_.push_back(static_cast<std::uint32_t>(chunks_.size()));
  chunks_.push_back({.listed = true});
}

// The first chunk that has room; a new one where none has.
std::uint32_t Slab::open_chunk() {
  while (!open_.empty()) {
    const auto number = open_.back();
    if (chunks_[number].used < blocks_) return number;
    chunks_[number].listed = false;
    open_.pop_back();
  }
  add_chunk();
  return open_.back();
}

std::uint32_t Slab::take() {
  const auto number = open_chunk();
  auto& chunk = chunks_[number];
  if (chunk.used == 0) {
    memory_.use(offset_of_chunk(number), chunk_bytes_);
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
  memory_.give_back(offset_of_chunk(number), chunk_bytes_);
  chunks_[number].first_free = 0;
  chunks_[number].fresh = 0;
  --chunks_in_use_;
}

// Relative to the slab.
SharedMemory::Piece Slab::next_used(std::size_t begin) const {
  const auto piece = memory_.next_used(offset_ + begin, offset_ + kept_at::slab_bytes);
  return {piece.begin - offset_, piece.end - offset_};
}

void Slab::take_up(std::uint32_t block) {
  while (chunk_of(block) >= chunks_.size()) add_chunk();
  taken_up_.resize(chunks_.size() * blocks_);
  taken_up_[block - 1] = true;
  ++chunks_[chunk_of(block)].used;
}

// Some were never taken, but all will do for a list.
void Slab::link_free(std::uint32_t number) {
  auto& chunk = chunks_[number];
  chunk.fresh = blocks_;
  for (auto block = (number + 1) * blocks_; block > number * blocks_; --block) {
    if (taken_up_[block - 1]) continue;
    std::memcpy(at(block), &chunk.first_free, sizeof chunk.first_free);
    chunk.first_free = block;
  }
}

void Slab::settle() {
  for (auto piece = next_used(0); piece.begin != piece.end; piece = next_used(piece.end))
    while (chunks_.size() * chunk_bytes_ < piece.end) add_chunk();
  taken_up_.resize(chunks_.size() * blocks_);
  chunks_in_use_ = chunks_.size();
  for (std::uint32_t number = 0; number < chunks_.size(); ++number) {
    if (chunks_[number].used == 0)
      release(number);
    else
      link_free(number);
  }
  taken_up_ = {};
}

}  // namespace vunify
