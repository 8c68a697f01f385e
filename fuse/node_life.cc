// SPDX-License-Identifier: Apache-2.0
// The part of the node table that is about how long a node lives: looked up and forgotten, opened and released, locked.
#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

#include "fuse/nodes.h"
#include "fuse/requests.h"

namespace vunify {
namespace {

constexpr auto most_writers = std::numeric_limits<std::uint16_t>::max();

}  // namespace

void Nodes::forget(NodeId id, std::uint64_t lookups) {
  if (id == root_node) return;
  std::optional<Gone> gone;
  {
    Change change(*this);
    auto& forgotten = change.of(id);
    forgotten.lookups -= std::min<std::uint64_t>(lookups, forgotten.lookups);
    count_forgotten(undo_, id);
    gone = drop(change, id);
  }
  let_go(gone);
}

// One that is locked goes when it is unlocked: the kernel forgets what was removed as soon as it is told so.
std::optional<Gone> Nodes::drop(Change& change, NodeId id) {
  if (id == 0) return std::nullopt;
  auto& dropped = node(id);
  if (dropped.generation == 0 || dropped.is_in_use()) return std::nullopt;
  change.of(id);
  const Gone gone{id, dropped.parent, dropped.backing, dropped.is_held() || dropped.is_directory()};
  unlist(id);
  lose_backing(dropped);
  change.drop(dropped.name);
  const auto found = borrowed_.find(dropped.shown);
  if (found != borrowed_.end() && found->second == id) borrowed_.erase(found);
  if (gone.parent != 0) --node(gone.parent).uses;
  dropped = Node{};
  return gone;
}

// Only then may another node have its number: what is let go by it would be the other's. With it goes the directory
// that only it kept.
void Nodes::let_go(std::optional<Gone> gone) {
  while (gone) {
    let_go_(*gone);
    Change change(*this);
    give_back(gone->id);
    gone = drop(change, gone->parent);
  }
}

void Nodes::free(NodeId id) {
  const std::lock_guard lock(mutex_);
  give_back(id);
}

void Nodes::open(NodeId id, OpenedTo to, int handle) {
  Change change(*this);
  auto& opened = change.of(id);
  if (handle != 0) undo_.set(handle_of(handle), block_of(id));
  count_opened(undo_, id, to, handle);
  ++opened.opens;
  ++opens_;
  if (to != OpenedTo::read && opened.writers < most_writers) ++opened.writers;
  opened.was_opened_rw |= to == OpenedTo::read_and_write;
}

bool Nodes::take_handle(NodeId id, int handle) {
  const std::lock_guard lock(mutex_);
  auto& found = handle_of(handle);
  if (found != id) return false;
  found = 0;
  return true;
}

bool Nodes::release(NodeId id, OpenedTo was_opened_to) {
  std::optional<Gone> gone;
  bool is_left = false;
  {
    Change change(*this);
    auto& released = change.of(id);
    --opens_;
    if (was_opened_to != OpenedTo::read && released.writers < most_writers) --released.writers;
    if (--released.opens == 0) {
      released.is_served_by_us = false;
      released.writers = 0;
    }
    count_released(undo_, id);
    is_left = released.opens == 0 && released.is_detached;
    gone = drop(change, id);
  }
  let_go(gone);
  return is_left && !gone;
}

std::uint32_t& Nodes::handle_of(int descriptor) const {
  expect_small(descriptor);
  return handles_[descriptor];
}

void Nodes::expect_small(int descriptor) {
  if (descriptor < 0 || descriptor > most_descriptor)
    throw std::system_error(EMFILE, std::generic_category(), "descriptor");
}

void Nodes::set_descriptor(Node& node, int descriptor) {
  expect_small(descriptor);
  node.descriptor = static_cast<unsigned>(descriptor) & most_descriptor;
}

void Nodes::hold(NodeId id, int descriptor) {
  Change change(*this);
  set_descriptor(change.of(id), descriptor);
}

void Nodes::set_backing(NodeId id, int backing) {
  Change change(*this);
  change.of(id).backing = backing;
  undo_.set(table_.last_backing, backing);
}

bool Nodes::has_backing(NodeId id, int backing) const {
  const std::lock_guard lock(mutex_);
  return node(id).backing == backing;
}

// In a step that keeps the node.
void Nodes::lose_backing(Node& node) {
  const auto free = std::ranges::find(table_.lost_backings, 0);
  if (node.backing != 0 && free != table_.lost_backings.end()) undo_.set(*free, node.backing);
  node.backing = 0;
}

int Nodes::drop_backing(NodeId id) {
  Change change(*this);
  auto& found = change.of(id);
  const int backing = found.backing;
  lose_backing(found);
  return backing;
}

bool Nodes::take_backing(NodeId id, int backing) {
  Change change(*this);
  auto& found = node(id);
  if (found.backing != backing || found.opens != 0 || found.is_busy) return false;
  lose_backing(change.of(id));
  return true;
}

void Nodes::forgot(int backing) {
  const std::lock_guard lock(mutex_);
  const auto lost = std::ranges::find(table_.lost_backings, backing);
  if (lost != table_.lost_backings.end()) *lost = 0;
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
  std::optional<Gone> gone;
  {
    Change change(*this);
    node(id).is_busy = false;
    gone = drop(change, id);
    unlocked_.notify_all();
  }
  let_go(gone);
}

}  // namespace vunify
