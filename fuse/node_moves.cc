// SPDX-License-Identifier: Apache-2.0
// The half of the node table that is about change: names moved and removed, links broken.
#include <utility>

#include "fuse/nodes.h"

namespace vunify {

void Nodes::rename(NodeId id, NodeId parent, std::string_view name) {
  const std::lock_guard lock(mutex_);
  auto& moved = known(id);
  const auto before = moved.parent;
  set_place(moved, parent, name);
  if (before != 0) --node(before).uses;
}

void Nodes::exchange(NodeId one, NodeId other) {
  const std::lock_guard lock(mutex_);
  auto& a = known(one);
  auto& b = known(other);
  std::swap(a.parent, b.parent);
  std::swap(a.name, b.name);
}

void Nodes::unname(NodeId id, bool still_linked) {
  const std::lock_guard lock(mutex_);
  auto& unnamed = known(id);
  if (unnamed.parent != 0) --node(unnamed.parent).uses;
  unnamed.parent = 0;
  names_.drop(unnamed.name);
  unnamed.name = {};
  if (!still_linked) unlist(id);
}

bool Nodes::rebind(NodeId id, const struct stat& copy) {
  const std::lock_guard lock(mutex_);
  if (match(0, {}, copy, false) != 0) return false;
  auto& bound = known(id);
  reclaim_number(copy.st_ino);
  unlist(id);
  bound.ino = copy.st_ino;
  bound.owner = Owner::guest;
  if (bound.shown != bound.ino) borrowed_[bound.shown] = id;
  list(id);
  return true;
}

NodeId Nodes::detach(NodeId id, const struct stat& copy) {
  const std::lock_guard lock(mutex_);
  auto current = match(0, {}, copy, false);
  if (current == 0) {
    reclaim_number(copy.st_ino);
    current = make(copy);
    auto& made = node(current);
    made.owner = Owner::guest;
    made.shown = known(id).shown;
    borrowed_[made.shown] = current;
    std::swap(made.parent, node(id).parent);
    std::swap(made.name, node(id).name);
    list(current);
  }
  auto& detached = known(id);
  unlist(id);
  names_.drop(detached.name);
  detached.name = {};
  if (detached.parent != 0) --node(detached.parent).uses;
  detached.parent = block_of(current);
  detached.is_detached = true;
  ++node(current).uses;
  return current;
}

NodeId Nodes::attach(NodeId id) {
  const std::lock_guard lock(mutex_);
  auto& detached = known(id);
  const NodeId current = detached.parent;
  auto& other = node(current);
  if (detached.opens != 0 || other.lookups != 0 || other.uses != 1 || other.opens != 0 || other.is_busy) return 0;
  unlist(current);
  auto taken = other;
  taken.lookups = detached.lookups;
  taken.generation = detached.generation;
  taken.uses = detached.uses;
  taken.is_busy = detached.is_busy;
  detached = taken;
  if (detached.shown != detached.ino) borrowed_[detached.shown] = id;
  list(id);
  give_back(current);
  return current;
}

}  // namespace vunify
