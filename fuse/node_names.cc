// SPDX-License-Identifier: Apache-2.0
#include "fuse/node_names.h"

#include <cstring>

#include "fuse/kept_at.h"

namespace vunify {
namespace {

constexpr std::size_t place(std::size_t slab) { return kept_at::names + slab * kept_at::slab_bytes; }

}  // namespace

NodeNames::NodeNames(SharedMemory& memory)
    : slabs_{Slab(memory, place(0), 16), Slab(memory, place(1), 32), Slab(memory, place(2), 64),
             Slab(memory, place(3), 128), Slab(memory, place(4), 256)} {}

std::size_t NodeNames::slab_for(std::size_t length) {
  std::size_t slab = 0;
  while (length > std::size_t{16} << slab) ++slab;
  return slab;
}

std::string_view NodeNames::at(NodeName name) const {
  if (name.length == 0) return {};
  return {static_cast<const char*>(slabs_[slab_for(name.length)].at(name.block)), name.length};
}

NodeName NodeNames::keep(std::string_view name) {
  if (name.empty()) return {};
  auto& slab = slabs_[slab_for(name.size())];
  const NodeName kept{slab.take(), static_cast<std::uint8_t>(name.size())};
  std::memcpy(slab.at(kept.block), name.data(), name.size());
  return kept;
}

void NodeNames::drop(NodeName name) {
  if (name.length != 0) slabs_[slab_for(name.length)].give_back(name.block);
}

void NodeNames::take_up(NodeName name) {
  if (name.length != 0) slabs_[slab_for(name.length)].take_up(name.block);
}

void NodeNames::settle() {
  for (auto& slab : slabs_) slab.settle();
}

std::size_t NodeNames::bytes_in_use() const {
  std::size_t bytes = 0;
  for (const auto& slab : slabs_) bytes += slab.bytes_in_use();
  return bytes;
}

}  // namespace vunify
