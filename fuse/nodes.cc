// SPDX-License-Identifier: Apache-2.0
#include "fuse/nodes.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>
#include <utility>

namespace vunify {
namespace {

constexpr std::size_t fewest_buckets = 1024;

// Where another of the guest's own files shows a shared inode's number: a number that no filesystem gives out.
constexpr std::uint64_t made_up = std::uint64_t{1} << 62;

[[noreturn]] void throw_stale() { throw std::system_error(ESTALE, std::generic_category(), "node"); }

std::uint8_t type_of(const struct stat& st) { return static_cast<std::uint8_t>((st.st_mode & S_IFMT) >> 12); }

std::size_t hash(std::uint64_t ino) { return static_cast<std::size_t>(ino * 0x9E3779B97F4A7C15 >> 20); }

std::uint32_t number(NodeId id) { return static_cast<std::uint32_t>(id); }

}  // namespace

Nodes::Nodes(const struct stat& root, LetGo let_go)
    : let_go_(std::move(let_go)),
      nodes_(sizeof(Node)),
      names_{Slab(16), Slab(32), Slab(64), Slab(128), Slab(256)},
      buckets_(fewest_buckets) {
  const auto id = make(root);
  node(id).lookups = 1;  // never forgotten
  list(id);
}

Node& Nodes::known(NodeId id) const {
  auto& found = node(id);
  if (found.generation == 0) throw_stale();
  return found;
}

Node Nodes::at(NodeId id) const {
  const std::lock_guard lock(mutex_);
  return known(id);
}

Nodes::Place Nodes::place_of(NodeId id) const {
  const std::lock_guard lock(mutex_);
  const auto& found = known(id);
  return {found, std::string(name_of(found))};
}

NodeId Nodes::current(NodeId id) const {
  const std::lock_guard lock(mutex_);
  while (known(id).is_detached) id = node(id).parent;
  return id;
}

// Names.

Slab& Nodes::names_for(std::size_t length) const {
  std::size_t size = 0;
  while (length > std::size_t{16} << size) ++size;
  return names_[size];
}

std::string_view Nodes::name_of(const Node& node) const {
  if (node.name_length == 0) return {};
  return {static_cast<const char*>(names_for(node.name_length).at(node.name)), node.name_length};
}

void Nodes::set_name(Node& node, std::string_view name) {
  clear_name(node);
  if (name.empty()) return;
  auto& slab = names_for(name.size());
  node.name = slab.take();
  node.name_length = static_cast<std::uint8_t>(name.size());
  std::memcpy(slab.at(node.name), name.data(), name.size());
}

void Nodes::clear_name(Node& node) {
  if (node.name_length != 0) names_for(node.name_length).give_back(node.name);
  node.name_length = 0;
}

void Nodes::set_place(Node& moved, NodeId parent, std::string_view name) {
  set_name(moved, name);
  ++known(parent).uses;
  moved.parent = number(parent);
}

bool Nodes::leads_to(const Node& node, NodeId parent, std::string_view name) const {
  return node.parent == parent && name_of(node) == name;
}

// The table of inode numbers.

std::uint16_t Nodes::device_of(const struct stat& seen) {
  for (std::size_t i = 0; i < devices_.size(); ++i)
    if (devices_[i] == seen.st_dev) return static_cast<std::uint16_t>(i);
  devices_.push_back(seen.st_dev);
  return static_cast<std::uint16_t>(devices_.size() - 1);
}

const std::uint32_t* Nodes::bucket(std::uint64_t ino) const { return &buckets_[hash(ino) & (buckets_.size() - 1)]; }
std::uint32_t* Nodes::bucket(const Node& node) { return &buckets_[hash(node.ino) & (buckets_.size() - 1)]; }

void Nodes::list(NodeId id) {
  auto& listed = node(id);
  auto* head = bucket(listed);
  listed.next = *head;
  listed.is_listed = true;
  *head = number(id);
}

void Nodes::unlist(NodeId id) {
  auto& listed = node(id);
  if (!listed.is_listed) return;
  auto* link = bucket(listed);
  while (*link != id) link = &node(*link).next;
  *link = listed.next;
  listed.is_listed = false;
}

void Nodes::resize(std::size_t buckets) {
  auto before = std::exchange(buckets_, std::vector<std::uint32_t>(buckets));
  for (auto id : before) {
    while (id != 0) {
      const auto next = node(id).next;
      list(id);
      id = next;
    }
  }
}

// Making, finding, dropping.

NodeId Nodes::make(const struct stat& seen) {
  const auto id = nodes_.take();
  auto* made = new (nodes_.at(id)) Node{};
  made->ino = made->shown = seen.st_ino;
  made->device = device_of(seen);
  made->type = type_of(seen);
  made->generation = ++generation_ == 0 ? ++generation_ : generation_;
  if (++count_ > buckets_.size()) resize(buckets_.size() * 2);
  return id;
}

NodeId Nodes::match(NodeId parent, std::string_view name, const struct stat& seen, bool shared) const {
  for (auto id = *bucket(seen.st_ino); id != 0; id = node(id).next) {
    const auto& found = node(id);
    if (found.ino != seen.st_ino || devices_[found.device] != seen.st_dev || found.type != type_of(seen)) continue;
    const bool by_name = shared || found.owner == Owner::shared;
    if (!by_name || leads_to(found, parent, name)) return id;
  }
  return 0;
}

// Whose inode has the number shows it; who borrowed it shows its own.
void Nodes::reclaim_number(std::uint64_t ino) {
  const auto found = borrowed_.find(ino);
  if (found == borrowed_.end()) return;
  node(found->second).shown = node(found->second).ino;
  borrowed_.erase(found);
}

NodeId Nodes::enter(NodeId parent, std::string_view name, const struct stat& seen, Owner owner) {
  const std::lock_guard lock(mutex_);
  known(parent);
  auto id = match(parent, name, seen, owner == Owner::shared);
  if (id == 0) {
    reclaim_number(seen.st_ino);
    id = make(seen);
    if (owner == Owner::shared)
      for (auto other = *bucket(seen.st_ino); other != 0; other = node(other).next)
        if (node(other).ino == seen.st_ino) node(id).shown = made_up | id;
    set_place(node(id), parent, name);
    list(id);
  } else if (node(id).name_length == 0 && id != root_node) {
    set_place(node(id), parent, name);
  }
  auto& found = node(id);
  if (found.owner != Owner::shared && owner != Owner::unknown) found.owner = owner;
  ++found.lookups;
  return id;
}

NodeId Nodes::enter_nameless(const struct stat& seen) {
  const std::lock_guard lock(mutex_);
  reclaim_number(seen.st_ino);
  const auto id = make(seen);
  auto& made = node(id);
  made.lookups = 1;
  made.owner = Owner::guest;
  made.is_held = true;
  list(id);
  return id;
}

NodeId Nodes::find(NodeId parent, std::string_view name, const struct stat& seen) const {
  const std::lock_guard lock(mutex_);
  return match(parent, name, seen, false);
}

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
    clear_name(dropped);
    const auto found = borrowed_.find(dropped.shown);
    if (found != borrowed_.end() && found->second == id) borrowed_.erase(found);
    const auto parent = dropped.parent;
    give_back(id);
    if (parent != 0) --node(parent).uses;
    id = parent;
  }
  return gone;
}

void Nodes::give_back(NodeId id) {
  node(id) = Node{};
  nodes_.give_back(number(id));
  if (--count_ * 8 < buckets_.size() && buckets_.size() > fewest_buckets) resize(buckets_.size() / 2);
}

void Nodes::tell(const std::vector<Gone>& gone) const {
  for (const auto& one : gone) let_go_(one);
}

// What it is.

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

void Nodes::set_owner(NodeId id, Owner owner) {
  const std::lock_guard lock(mutex_);
  known(id).owner = owner;
}

void Nodes::set_backing(NodeId id, int backing) {
  const std::lock_guard lock(mutex_);
  known(id).backing = backing;
}

bool Nodes::has_backing(NodeId id, int backing) const {
  const std::lock_guard lock(mutex_);
  return node(id).backing == backing;
}

bool Nodes::take_backing(NodeId id, int backing) {
  const std::lock_guard lock(mutex_);
  auto& found = node(id);
  if (found.backing != backing || found.opens != 0 || found.is_busy) return false;
  found.backing = 0;
  return true;
}

void Nodes::set_served_by_us(NodeId id, bool served) {
  const std::lock_guard lock(mutex_);
  known(id).is_served_by_us = served;
}

void Nodes::set_held(NodeId id, bool held) {
  const std::lock_guard lock(mutex_);
  known(id).is_held = held;
}

// Where its name is.

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
  std::swap(a.name_length, b.name_length);
}

void Nodes::unname(NodeId id, bool still_linked) {
  const std::lock_guard lock(mutex_);
  auto& unnamed = known(id);
  if (unnamed.parent != 0) --node(unnamed.parent).uses;
  unnamed.parent = 0;
  clear_name(unnamed);
  if (!still_linked) unlist(id);
}

// Breaks.

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
    std::swap(made.name_length, node(id).name_length);
    list(current);
  }
  auto& detached = known(id);
  unlist(id);
  clear_name(detached);
  if (detached.parent != 0) --node(detached.parent).uses;
  detached.parent = number(current);
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

std::size_t Nodes::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

std::size_t Nodes::bytes() const {
  const std::lock_guard lock(mutex_);
  std::size_t bytes = nodes_.bytes_in_use() + buckets_.size() * sizeof buckets_[0];
  for (const auto& names : names_) bytes += names.bytes_in_use();
  return bytes;
}

// True where somebody else had it first.
bool Nodes::lock(NodeId id) {
  std::unique_lock lock(mutex_);
  const bool waits = known(id).is_busy;
  while (known(id).is_busy) unlocked_.wait(lock);
  node(id).is_busy = true;
  return waits;
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
