// SPDX-License-Identifier: Apache-2.0
#include "fuse/heaviest.h"

#include <algorithm>

namespace vunify {
namespace {

constexpr std::uint64_t weight_of_one = 4096;  // of an empty one: an inode is not free

}  // namespace

void Heaviest::add(const std::string& name, std::uint64_t bytes) {
  auto found = counters_.find(name);
  if (found == counters_.end()) {
    const auto weight = counters_.size() < room_ ? 0 : take_lightest();
    found = counters_.emplace(name, Counter{weight}).first;
  }
  found->second.weight += bytes + weight_of_one;
  found->second.bytes += bytes;
  ++found->second.count;
}

std::uint64_t Heaviest::take_lightest() {
  const auto lightest = std::ranges::min_element(counters_, {}, [](const auto& one) { return one.second.weight; });
  const auto weight = lightest->second.weight;
  counters_.erase(lightest);
  return weight;
}

std::vector<Heavy> Heaviest::first(std::size_t most) const {
  std::vector<Heavy> all;
  for (const auto& [name, counter] : counters_) all.push_back({name, counter.count, counter.bytes});
  std::ranges::sort(all, [](const Heavy& one, const Heavy& other) {
    return std::tie(other.bytes, other.count, one.name) < std::tie(one.bytes, one.count, other.name);
  });
  all.resize(std::min(most, all.size()));
  return all;
}

}  // namespace vunify
