// SPDX-License-Identifier: Apache-2.0
#include "unify/freed.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <system_error>

#include "sys/clone.h"
#include "sys/stored_extents.h"

namespace vunify {
namespace {

using StoredExtents = std::map<std::uint64_t, std::uint64_t>;

// On disk, of the whole extent that it is a piece of where it is compressed.
std::uint64_t bytes_of(const Extent& extent, const StoredExtents& stored, std::uint64_t size) {
  if (extent.in_metadata && !extent.delayed) return std::min(extent.length, size);
  const auto found = extent.encoded ? stored.find(extent.physical) : stored.end();
  return found != stored.end() ? found->second : extent.length;
}

// Joins it with what it overlaps or touches.
void add_place(std::map<std::uint64_t, std::uint64_t>& places, std::uint64_t from, std::uint64_t to) {
  auto next = places.upper_bound(from);
  if (next != places.begin() && std::prev(next)->second >= from) --next;
  while (next != places.end() && next->first <= to) {
    from = std::min(from, next->first);
    to = std::max(to, next->second);
    next = places.erase(next);
  }
  places.emplace(from, to);
}

// found.alone is st_blocks, as if no place were shared or compressed.
void look_at_places(int fd, std::uint64_t size, OnDisk& found) {
  const auto extents = extents_of(fd);
  const auto stored = std::ranges::any_of(extents, &Extent::encoded) ? stored_extents(fd) : StoredExtents();
  std::set<std::uint64_t> counted;  // two pieces of a file may be of one compressed extent
  for (const auto& extent : extents) {
    const auto bytes = bytes_of(extent, stored, size);
    if (!extent.shared && bytes == extent.length) continue;
    found.alone -= std::min(found.alone, extent.length);
    if (extent.shared)
      add_place(found.shared, extent.physical, extent.physical + bytes);
    else if (counted.insert(extent.physical).second)
      found.alone += bytes;
  }
}

// How many lie at a place, as it changes from one to the next.
struct Step {
  int gone = 0;
  int left = 0;
};
using Steps = std::map<std::uint64_t, Step>;

void add_steps(Steps& steps, const std::vector<const OnDisk*>& inodes, int Step::*count) {
  for (const auto* inode : inodes)
    for (const auto& [from, to] : inode->shared) {
      ++(steps[from].*count);
      --(steps[to].*count);
    }
}

std::uint64_t bytes_of_gone_alone(const Steps& steps) {
  std::uint64_t bytes = 0, last = 0;
  Step now;
  for (const auto& [at, step] : steps) {
    if (now.gone > 1 && now.left == 0) bytes += at - last;
    now.gone += step.gone;
    now.left += step.left;
    last = at;
  }
  return bytes;
}

}  // namespace

bool can_share_data(const Mount& mount) { return mount.type == "xfs" || mount.type == "btrfs"; }

OnDisk on_disk(int fd, const Inode& seen, const Mount& mount) {
  OnDisk found{.alone = seen.bytes_on_disk()};
  try {
    if (can_share_data(mount)) look_at_places(fd, seen.stamp.size, found);
  } catch (const std::system_error&) {
    return {.alone = seen.bytes_on_disk()};
  }
  return found;
}

std::vector<std::uint64_t> freed_by(const std::vector<const OnDisk*>& gone, const std::vector<const OnDisk*>& left) {
  std::vector<std::uint64_t> freed;
  for (const auto* inode : gone) freed.push_back(inode->alone);
  Steps steps;
  add_steps(steps, gone, &Step::gone);
  add_steps(steps, left, &Step::left);
  if (!freed.empty()) freed.back() += bytes_of_gone_alone(steps);  // with the last of them
  return freed;
}

}  // namespace vunify
