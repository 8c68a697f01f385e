// SPDX-License-Identifier: Apache-2.0
#include "account/linked_names.h"

#include <algorithm>
#include <tuple>

namespace vunify {

void NamesOfLinked::add(const LinkedName& name) {
  auto& shard = shard_of(name.ino);
  const std::lock_guard lock(shard.filling);
  shard.names.push_back(name);
}

bool NamesOfLinked::is_first(std::uint32_t volume, std::uint64_t ino) {
  auto& shard = shard_of(ino);
  const std::lock_guard lock(shard.filling);
  return shard.seen.emplace(volume, ino).second;
}

std::uint64_t NamesOfLinked::size() const {
  std::uint64_t size = 0;
  for (const auto& shard : shards_) size += shard.names.size();
  return size;
}

void NamesOfLinked::for_each_inode(const std::function<void(std::span<const LinkedName>)>& look) {
  const auto key = [](const LinkedName& name) { return std::tuple(name.ino, unsigned{name.volume}); };
  for (auto& shard : shards_) {
    auto& names = shard.names;
    std::ranges::sort(names, {}, key);
    for (std::size_t at = 0, end = 0; at < names.size(); at = end) {
      while (end < names.size() && key(names[end]) == key(names[at])) ++end;
      look(std::span(names).subspan(at, end - at));
    }
  }
}

}  // namespace vunify
