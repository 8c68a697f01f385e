// SPDX-License-Identifier: Apache-2.0
#include "fuse/changing.h"

#include <algorithm>

#include "sys/clone.h"
#include "sys/removed_space.h"

namespace vunify {
namespace {

constexpr std::uint64_t stat_block = 512;

// What these bytes of a file lie in, of whole units.
struct Span {
  std::uint64_t begin, end;
  std::uint64_t length() const { return end - begin; }
};

Span span(std::uint64_t offset, std::uint64_t length, std::uint64_t unit) {
  return {offset / unit * unit, (offset + length + unit - 1) / unit * unit};
}

// A name that went may have been one of several, which the guest has still.
bool counts_nameless(Served& served, NodeId id) {
  try {
    if (served.cow.owner_of(id) == Owner::shared) return served.allowance.counts_shared();
    return served.addresses.stat(id).st_nlink == 0;
  } catch (const std::system_error&) {
    return false;
  }
}

Growth growth_of(const Takes& takes, int inodes) { return {static_cast<std::int64_t>(takes.bytes) * inodes, inodes}; }

}  // namespace

std::optional<Takes> takes_now(Served& served, NodeId id) noexcept {
  try {
    return takes_of(served.addresses.stat(id));
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::vector<NodeId> outliving(Served& served) {
  auto all = served.nodes.nameless();
  std::erase_if(all, [&](NodeId id) { return !counts_nameless(served, id); });
  return all;
}

Takes takes_of(const struct stat& st) {
  return {static_cast<std::uint64_t>(st.st_blocks) * stat_block, {st.st_uid, st.st_gid}};
}

Most most_of_passing(const Takes& takes, const Owners& to) {
  Most most;
  const Amount whole{takes.bytes, 1};
  if (to.uid != takes.owners.uid) most.by.emplace_back(user(to.uid), whole);
  if (to.gid != takes.owners.gid) most.by.emplace_back(group(to.gid), whole);
  return most;
}

Changing::Changing(Served& served, const Amount& most, std::initializer_list<NodeId> touched,
                   const std::optional<Owners>& whose)
    : served_(served), taking_(served.allowance) {
  if (!counts()) return;
  for (const auto id : touched)
    if (std::ranges::find(touched_, id, &Touched::id) == touched_.end())
      touched_.push_back({id, takes_now(served, id)});
  const auto& first = touched_.front().before;
  taking_.take(most_for(whose ? *whose : first ? first->owners : Owners{}, most));
}

// What was on one's account is on another's now, or on the same.
Changing::~Changing() {
  for (const auto& one : touched_) {
    const auto now = takes_now(served_, one.id);
    if (!now || !one.before) continue;
    taking_.moved(served_.allowance.moved(one.id, *one.before, *now), *now);
  }
}

void Changing::passes_to(const Owners& owners) {
  if (counts() && touched_.front().before) taking_.take(most_of_passing(*touched_.front().before, owners));
}

void Changing::born(const struct stat& made) {
  if (counts()) taking_.came_to(takes_of(made).owners, growth_of(takes_of(made), 1));
}

void Changing::orphaned(NodeId node, const struct stat& seen) {
  if (!counts()) return;
  if (node != 0)
    served_.allowance.outlive(node, takes_of(seen));
  else
    taking_.came_to(takes_of(seen).owners, growth_of(takes_of(seen), -1));
}

Amount most_of_write(Served& served, NodeId id, int fd, off_t offset, std::uint64_t length) {
  if (!served.allowance.is_limited() || length == 0) return {};
  const auto from = static_cast<std::uint64_t>(offset);
  const auto most = span(from, length, allocation_unit(fd)).length();
  if (served.allowance.has_plenty({most, takes_of(stat_at({fd, ""})).owners})) return {most, 0};
  {
    const Changing shrinks(served, {}, {id});
    drop_allocated_ahead(fd);
  }
  const auto blocks = span(from, length, block_bytes);
  const auto there = allocated_bytes(fd, blocks.begin, blocks.end);
  return {there >= blocks.length() ? 0 : most - there, 0};
}

}  // namespace vunify
