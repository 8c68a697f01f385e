// SPDX-License-Identifier: Apache-2.0
// A sequence that only grows. It is kept in blocks: growing copies nothing, never holds twice the memory, and leaves
// every element where it is.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace vunify {

template <typename T>
class Blocks {
 public:
  template <typename Owner, typename Element>
  struct At {
    Owner* owner;
    std::size_t index;
    Element& operator*() const { return (*owner)[index]; }
    At& operator++() {
      ++index;
      return *this;
    }
    bool operator==(const At& other) const { return index == other.index; }
  };

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](std::size_t index) { return blocks_[index / block][index % block]; }
  const T& operator[](std::size_t index) const { return blocks_[index / block][index % block]; }

  auto begin() { return At<Blocks, T>{this, 0}; }
  auto end() { return At<Blocks, T>{this, size_}; }
  auto begin() const { return At<const Blocks, const T>{this, 0}; }
  auto end() const { return At<const Blocks, const T>{this, size_}; }

  void push_back(T element) {
    if (size_ % block == 0) blocks_.emplace_back().reserve(block);
    blocks_.back().push_back(std::move(element));
    ++size_;
  }

 private:
  static constexpr std::size_t block = 1024;
  std::vector<std::vector<T>> blocks_;
  std::size_t size_ = 0;
};

}  // namespace vunify
