// SPDX-License-Identifier: Apache-2.0
#include "fuse/addresses.h"

#include <fcntl.h>

#include <optional>
#include <vector>

#include "fuse/workers.h"

namespace vunify {
namespace {

constexpr int tries = 100;  // each lost to a rename that came between

// Nothing where the name has gone meanwhile, or another file has it.
std::optional<Fd> try_open(At at, int flags) {
  try {
    return open_at(at, flags);
  } catch (const std::system_error& error) {
    if (is_error(error, ENOENT) || is_error(error, ENOTDIR) || is_error(error, ELOOP)) return std::nullopt;
    throw;
  }
}

// What somebody leases is waited for: vunify gives it up at once. Without O_NONBLOCK only a regular file is opened.
std::optional<Fd> open_leased(At at, int flags) {
  const auto held = try_open(at, O_PATH);
  if (!held || !S_ISREG(stat_at({held->get(), ""}).st_mode)) return std::nullopt;
  const Workers::Away away;
  return open_at({held->get(), ""}, flags);
}

std::optional<Fd> open_unless_gone(At at, int flags) {
  try {
    return try_open(at, flags | O_NONBLOCK);
  } catch (const std::system_error& error) {
    if (!is_error(error, EWOULDBLOCK)) throw;
    return open_leased(at, flags);
  }
}

bool is_open_on(int fd, std::uint64_t ino) {
  try {
    return stat_at({fd, ""}).st_ino == ino;
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace

Addresses::Addresses(Nodes& nodes, Fd root, std::size_t most)
    : nodes_(nodes), root_(std::make_shared<const Fd>(std::move(root))), most_(most) {}

std::shared_ptr<const Fd> Addresses::held(NodeId id) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(id);
  return found == held_.end() ? nullptr : found->second;
}

std::shared_ptr<const Fd> Addresses::cached(NodeId id) {
  if (id == root_node) return root_;
  const std::lock_guard lock(mutex_);
  const auto found = by_node_.find(id);
  if (found == by_node_.end()) return nullptr;
  directories_.splice(directories_.begin(), directories_, found->second);
  return found->second->fd;
}

std::shared_ptr<const Fd> Addresses::keep(NodeId id, Fd fd) {
  auto kept = std::make_shared<const Fd>(std::move(fd));
  const std::lock_guard lock(mutex_);
  if (by_node_.contains(id)) return kept;
  directories_.push_front({id, kept});
  by_node_.emplace(id, directories_.begin());
  if (directories_.size() > most_) {
    by_node_.erase(directories_.back().id);
    directories_.pop_back();
  }
  return kept;
}

// Up to the nearest that is open, then down again: a guest's tree may be deeper than our stack.
std::shared_ptr<const Fd> Addresses::directory(NodeId id) {
  std::vector<std::pair<NodeId, Nodes::Place>> closed;
  auto open = cached(id);
  while (!open) {
    auto place = nodes_.place_of(id);
    if (place.node.is_held()) {
      open = held(id);
      if (!open) throw_stale({});
      break;
    }
    if (place.node.parent == 0) throw_stale(place.name);
    const auto parent = place.node.parent;
    closed.emplace_back(id, std::move(place));
    open = cached(id = parent);
  }
  for (; !closed.empty(); closed.pop_back()) {
    const auto& [child, place] = closed.back();
    auto fd = try_open({open->get(), place.name.c_str()}, O_PATH | O_DIRECTORY);
    if (!fd || stat_at({fd->get(), ""}).st_ino != place.node.ino) throw_stale(place.name);
    open = keep(child, std::move(*fd));
  }
  return open;
}

Address Addresses::of(NodeId id) {
  if (id == root_node) return {root_, ""};
  if (nodes_.at(id).is_held()) {
    auto fd = held(id);
    if (fd) return {std::move(fd), ""};
  }
  return by_name(id);
}

Address Addresses::by_name(NodeId id) {
  auto place = nodes_.place_of(id);
  if (place.name.empty()) throw_stale({});
  return {directory(place.node.parent), std::move(place.name)};
}

Address Addresses::of(NodeId directory, const char* leaf) { return {this->directory(directory), leaf}; }

struct stat Addresses::stat(NodeId id) {
  for (int i = 0; i < tries; ++i) {
    const auto address = of(id);
    const auto seen = find_at(address.at());
    if (seen && seen->st_ino == nodes_.at(id).ino) return *seen;
  }
  throw_stale({});
}

// A device that was put in its place is not woken, for the mount has none, and a FIFO is waited for by nobody.
Fd Addresses::open(NodeId id, int flags) {
  for (int i = 0; i < tries; ++i) {
    const auto address = of(id);
    auto fd = open_unless_gone(address.at(), flags);
    if (fd && stat_at({fd->get(), ""}).st_ino == nodes_.at(id).ino) return std::move(*fd);
  }
  throw_stale({});
}

// Once its node names no other: who finds that closed, and its number taken, is the next process.
void Addresses::keep_held(NodeId id, Fd fd) {
  const std::lock_guard lock(mutex_);
  if (fd)
    held_[id] = std::make_shared<const Fd>(std::move(fd));
  else
    held_.erase(id);
}

void Addresses::hold(NodeId id, Fd fd) {
  nodes_.hold(id, fd.get());
  keep_held(id, std::move(fd));
}

void Addresses::drop_hold(NodeId id) {
  nodes_.hold(id, 0);
  keep_held(id, {});
}

bool Addresses::rebind(NodeId id, const struct stat& copy, Fd held, Owner owner) {
  if (!nodes_.rebind(id, copy, held ? held.get() : 0, owner)) return false;
  keep_held(id, std::move(held));
  return true;
}

NodeId Addresses::detach(NodeId id, const struct stat& copy, Fd held, Owner owner) {
  const auto current = nodes_.detach(id, copy, held ? held.get() : 0, owner);
  if (held) keep_held(current, std::move(held));
  return current;
}

NodeId Addresses::attach(NodeId id) {
  const auto current = nodes_.attach(id);
  if (current == 0) return 0;
  const std::lock_guard lock(mutex_);
  held_.erase(id);
  if (auto found = held_.extract(current)) {
    found.key() = id;
    held_.insert(std::move(found));
  }
  return current;
}

// One that leads elsewhere is none of ours, and is not closed.
void Addresses::take_up() {
  for (const auto id : nodes_.held()) {
    const auto node = nodes_.at(id);
    const int number = static_cast<int>(node.descriptor);
    if (is_open_on(number, node.ino))
      held_[id] = std::make_shared<const Fd>(number);
    else
      nodes_.hold(id, 0);
  }
}

std::size_t Addresses::directories() const {
  const std::lock_guard lock(mutex_);
  return by_node_.size();
}

std::size_t Addresses::held_inodes() const {
  const std::lock_guard lock(mutex_);
  return held_.size();
}

void Addresses::let_go(NodeId id) {
  const std::lock_guard lock(mutex_);
  held_.erase(id);
  const auto found = by_node_.find(id);
  if (found == by_node_.end()) return;
  directories_.erase(found->second);
  by_node_.erase(found);
}

}  // namespace vunify
