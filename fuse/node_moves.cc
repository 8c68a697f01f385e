// SPDX-License-Identifier: Apache-2.0
// The half of the node table that is about change: names moved and removed, links broken.
#include <utility>

#include "fuse/nodes.h"

namespace vunify {

void Nodes::set_breaking(NodeId id, bool breaking) {
  Change change(*this);
  change.of(id).is_breaking = breaking;
}

void Nodes::rename(NodeId id, NodeId parent, std::string_view name) {
  Change change(*this);
  auto& moved = change.of(id);
  const auto before = moved.parent;
  set_place(change, moved, parent, name);
  if (before != 0) --node(before).uses;
}

void Nodes::exchange(NodeId one, NodeId other) {
  Change change(*this);
  auto& a = change.of(one);
  auto& b = change.of(other);
  std::swap(a.parent, b.parent);
  std::swap(a.name, b.name);
}

void Nodes::unname(NodeId id, bool still_linked) {
  Change change(*this);
  auto& unnamed = change.of(id);
  if (unnamed.parent != 0) --node(unnamed.parent).uses;
  unnamed.parent = 0;
  unnamed.is_breaking = false;
  change.drop(std::exchange(unnamed.name, {}));
  if (!still_linked) unlist(id);
}

bool Nodes::rebind(NodeId id, const struct stat& copy, int descriptor, Owner owner) {
  Change change(*this);
  auto& bound = change.of(id);
  if (match(bound.parent, names_.at(bound.name), copy, owner == Owner::shared) != 0) return false;
  reclaim_number(copy.st_ino);
  unlist(id);
  bound.ino = copy.st_ino;
  bound.owner = owner;
  bound.is_breaking = false;
  set_descriptor(bound, descriptor);
  lose_backing(bound);
  if (bound.shown != bound.ino) borrowed_[bound.shown] = id;
  list(id);
  return true;
}

NodeId Nodes::detach(NodeId id, const struct stat& copy, int descriptor, Owner owner) {
  Change change(*this);
  auto& detached = change.of(id);
  auto current = match(detached.parent, names_.at(detached.name), copy, owner == Owner::shared);
  if (current == 0) current = make_current(detached, copy, descriptor, owner);
  unlist(id);
  change.drop(std::exchange(detached.name, {}));
  if (detached.parent != 0) --node(detached.parent).uses;
  detached.parent = block_of(current);
  detached.is_detached = true;
  detached.is_breaking = false;
  ++node(current).uses;
  return current;
}

// In the place of the one that is detached.
NodeId Nodes::make_current(Node& detached, const struct stat& copy, int descriptor, Owner owner) {
  reclaim_number(copy.st_ino);
  const auto current = make(copy);
  auto& made = node(current);
  made.owner = owner;
  made.shown = detached.shown;
  set_descriptor(made, descriptor);
  borrowed_[made.shown] = current;
  std::swap(made.parent, detached.parent);
  std::swap(made.name, detached.name);
  list(current);
  return current;
}

NodeId Nodes::attach(NodeId id) {
  Change change(*this);
  auto& detached = change.of(id);
  const NodeId current = detached.parent;
  const auto& other = change.of(current);
  if (detached.opens != 0 || other.lookups != 0 || other.uses != 1 || other.opens != 0 || other.is_busy) return 0;
  unlist(current);
  lose_backing(detached);
  auto taken = other;
  taken.lookups = detached.lookups;
  taken.generation = detached.generation;
  taken.uses = detached.uses;
  taken.is_busy = detached.is_busy;
  detached = taken;
  if (detached.shown != detached.ino) borrowed_[detached.shown] = id;
  list(id);
  node(current) = Node{};
  return current;
}

}  // namespace vunify
