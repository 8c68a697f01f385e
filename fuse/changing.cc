// SPDX-License-Identifier: Apache-2.0
#include "fuse/changing.h"

#include <algorithm>

#include "sys/clone.h"
#include "sys/removed_space.h"

namespace vunify {
namespace {

constexpr std::uint64_t stat_block = 512;

// Nothing where a rename comes between time and again: the next change tells.
std::optional<std::uint64_t> bytes_now(Served& served, NodeId id) noexcept {
  try {
    return bytes_of(served.addresses.stat(id));
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace

std::uint64_t bytes_of(const struct stat& st) { return static_cast<std::uint64_t>(st.st_blocks) * stat_block; }

Changing::Changing(Served& served, const Amount& most, std::initializer_list<NodeId> touched)
    : served_(served), taking_(served.allowance, most) {
  if (!counts()) return;
  for (const auto id : touched)
    if (std::ranges::find(touched_, id, &Touched::id) == touched_.end())
      touched_.push_back({id, bytes_now(served, id)});
}

Changing::~Changing() {
  for (const auto& one : touched_)
    if (const auto now = bytes_now(served_, one.id); now && one.before)
      taking_.came_to({served_.allowance.moved(one.id, *one.before, *now), 0});
}

void Changing::born(const struct stat& made) {
  if (counts()) taking_.came_to({static_cast<std::int64_t>(bytes_of(made)), 1});
}

void Changing::orphaned(NodeId node, const struct stat& seen) {
  if (!counts()) return;
  if (node != 0)
    served_.allowance.outlive(node, bytes_of(seen));
  else
    taking_.came_to({-static_cast<std::int64_t>(bytes_of(seen)), -1});
}

Amount most_of_write(Served& served, NodeId id, int fd, off_t offset, std::uint64_t length) {
  if (!served.allowance.is_limited() || length == 0) return {};
  const auto begin = static_cast<std::uint64_t>(offset) / block_bytes * block_bytes;
  const auto end = (static_cast<std::uint64_t>(offset) + length + block_bytes - 1) / block_bytes * block_bytes;
  if (served.allowance.has_plenty(end - begin)) return {end - begin, 0};
  {
    const Changing shrinks(served, {}, {id});
    drop_allocated_ahead(fd);
  }
  return {end - begin - std::min(end - begin, allocated_bytes(fd, begin, end)), 0};
}

}  // namespace vunify
