// SPDX-License-Identifier: Apache-2.0
// The part of the node table that is about how long a node lives: looked up and forgotten, opened and released, locked.
#include <algorithm>

#include "fuse/nodes.h"

namespace vunify {

void Nodes::forget(NodeId id, std::uint64_t lookups) {
  std::vector<Gone> gone;
  {
    const std::lock_guard lock(mutex_);
    if (id == root_node) return;
    auto& forgotten = known(id);
    forgotten.lookups -= std::min(lookups, forgotten.lookups);
    gone = drop(id);
  }
  tell(gone);
}

// With it goes the directory that only it kept. One that is locked goes when it is unlocked: the kernel forgets what
// was removed as soon as it is told so.
std::vector<Gone> Nodes::drop(NodeId id) {
  std::vector<Gone> gone;
  while (id != 0) {
    auto& dropped = node(id);
    if (dropped.lookups != 0 || dropped.opens != 0 || dropped.uses != 0 || dropped.is_busy) break;
    gone.push_back({id, dropped.backing, dropped.is_held || dropped.is_directory()});
    unlist(id);
    names_.drop(dropped.name);
    const auto found = borrowed_.find(dropped.shown);
    if (found != borrowed_.end() && found->second == id) borrowed_.erase(found);
    const auto parent = dropped.parent;
    give_back(id);
    if (parent != 0) --node(parent).uses;
    id = parent;
  }
  return gone;
}

void Nodes::tell(const std::vector<Gone>& gone) const {
  for (const auto& one : gone) let_go_(one);
}

void Nodes::open(NodeId id, bool read_write) {
  const std::lock_guard lock(mutex_);
  auto& opened = known(id);
  ++opened.opens;
  opened.was_opened_rw |= read_write;
}

void Nodes::release(NodeId id) {
  std::vector<Gone> gone;
  {
    const std::lock_guard lock(mutex_);
    auto& released = known(id);
    if (--released.opens == 0) released.is_served_by_us = false;
    gone = drop(id);
  }
  tell(gone);
}

bool Nodes::try_lock(NodeId id) {
  const std::lock_guard lock(mutex_);
  if (known(id).is_busy) return false;
  node(id).is_busy = true;
  return true;
}

void Nodes::lock(NodeId id) {
  std::unique_lock lock(mutex_);
  while (known(id).is_busy) unlocked_.wait(lock);
  node(id).is_busy = true;
}

void Nodes::unlock(NodeId id) {
  std::vector<Gone> gone;
  {
    const std::lock_guard lock(mutex_);
    node(id).is_busy = false;
    gone = drop(id);
    unlocked_.notify_all();
  }
  tell(gone);
}

}  // namespace vunify
