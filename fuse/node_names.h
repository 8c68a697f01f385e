// SPDX-License-Identifier: Apache-2.0
// The names of nodes, in slabs by their length: 16 bytes hold most.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "fuse/slab.h"

namespace vunify {

// Where a name lies; length 0: nowhere.
struct NodeName {
  std::uint32_t block = 0;
  std::uint8_t length = 0;
};

class NodeNames {
 public:
  explicit NodeNames(SharedMemory& memory);

  std::string_view at(NodeName name) const;
  NodeName keep(std::string_view name);  // of up to 255 bytes
  void drop(NodeName name);

  // As the slabs': of all names that are in use, and then no other is.
  void take_up(NodeName name);
  void settle();

  std::size_t bytes_in_use() const;

 private:
  static std::size_t slab_for(std::size_t length);

  std::array<Slab, 5> slabs_;
};

}  // namespace vunify
