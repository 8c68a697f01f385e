// SPDX-License-Identifier: Apache-2.0
#include "survey/name_order.h"

#include <tbb/parallel_for.h>
#include <tbb/parallel_sort.h>

#include <algorithm>
#include <map>

namespace vunify {
namespace {

constexpr int inode_bits = 24;
constexpr std::uint64_t inode_mask = (std::uint64_t{1} << inode_bits) - 1;
constexpr std::size_t slices = 64;  // of the sorted names, looked through in parallel

// Every bit of the result hangs on every bit of both.
std::uint64_t mix(std::uint64_t seed, std::uint64_t value) {
  seed = (seed ^ value) * 0x9E3779B97F4A7C15;  // 2^64 / golden ratio
  return seed ^ seed >> 29;
}

bool is_wanted(Verdict verdict) { return verdict == Verdict::open || verdict == Verdict::outside_names; }

bool is_earlier(NameRef a, NameRef b) { return std::tie(a.guest, a.file) < std::tie(b.guest, b.file); }

}  // namespace

NameOrder::NameOrder(const Trees& trees, const std::vector<std::uint32_t>& place, const GroupRules& rules)
    : place_(place), rules_(rules) {
  std::map<FsId, std::uint32_t> numbers;
  for (const auto& tree : trees) {
    trees_.push_back(&tree);
    fs_.push_back(numbers.emplace(tree.fs, numbers.size()).first->second);
  }
}

std::uint64_t NameOrder::sort_key(NameRef name) const {
  const auto [place, size, mode, uid, gid, mtime] = group_key(name);
  auto group = mix(mix(place, size), static_cast<std::uint64_t>(mtime));
  group = mix(mix(group, static_cast<std::uint64_t>(mode)), std::uint64_t{uid} << 32 | gid);
  const auto inode = (file(name).ino + fs_[name.guest] * 0x9E3779B9) & inode_mask;
  return (group & ~inode_mask) | inode;
}

std::vector<NameOrder::Keyed> NameOrder::keyed_names() const {
  std::size_t most = 0;
  for (const auto* tree : trees_) most += tree->files().size();
  std::vector<Keyed> names;
  names.reserve(most);
  for (std::uint32_t guest = 0; guest < trees_.size(); ++guest) {
    if (place_[guest] == no_place) continue;
    const auto count = static_cast<std::uint32_t>(trees_[guest]->files().size());
    for (std::uint32_t i = 0; i < count; ++i)
      if (is_wanted(trees_[guest]->file(i).verdict)) names.push_back({sort_key({guest, i}), {guest, i}});
  }
  return names;
}

// Different groups, or inodes, of one key lie mixed: seldom, but then they are put in order by what they are.
void NameOrder::mend_group(Keyed* first, Keyed* last) const {
  const auto is_before = [&](const Keyed& a, const Keyed& b) {
    const auto order = [&](const Keyed& f) {
      return std::tuple_cat(group_key(f.name), std::tuple(f.key), inode_key(f.name),
                            std::tuple(f.name.guest, f.name.file));
    };
    return order(a) < order(b);
  };
  if (!std::is_sorted(first, last, is_before)) std::sort(first, last, is_before);
}

// Each slice begins with a group and reads no further than its own end: beyond, another one is at work.
void NameOrder::mend(std::vector<Keyed>& names) const {
  const auto group_end = [&](std::size_t at, std::size_t limit) {
    while (at > 0 && at < limit && (names[at].key ^ names[at - 1].key) <= inode_mask) ++at;
    return at;
  };
  std::vector<std::size_t> starts;
  for (std::size_t slice = 0; slice <= slices; ++slice)
    starts.push_back(group_end(names.size() * slice / slices, names.size()));
  tbb::parallel_for(std::size_t{0}, slices, [&](std::size_t slice) {
    const auto end = starts[slice + 1];
    for (auto at = starts[slice]; at < end;) {
      const auto next = group_end(at + 1, end);
      if (next > at + 1) mend_group(&names[at], names.data() + next);
      at = next;
    }
  });
}

std::vector<NameRef> NameOrder::sorted_names() const {
  auto keyed = keyed_names();
  tbb::parallel_sort(keyed.begin(), keyed.end(), [](const Keyed& a, const Keyed& b) {
    return a.key != b.key ? a.key < b.key : is_earlier(a.name, b.name);
  });
  mend(keyed);
  std::vector<NameRef> names;
  names.reserve(keyed.size());
  for (const auto& [key, name] : keyed) names.push_back(name);
  return names;
}

}  // namespace vunify
