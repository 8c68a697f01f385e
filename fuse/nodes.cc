// SPDX-License-Identifier: Apache-2.0
#include "fuse/nodes.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>
#include <utility>

#include "fuse/kept_at.h"
#include "fuse/requests.h"

namespace vunify {
namespace {

// Where another of the guest's own files shows a shared inode's number: a number that no filesystem gives out.
constexpr std::uint64_t made_up = std::uint64_t{1} << 62;

std::uint8_t type_of(const struct stat& st) { return static_cast<std::uint8_t>((st.st_mode & S_IFMT) >> 12); }

std::size_t hash(std::uint64_t ino) { return static_cast<std::size_t>(ino * 0x9E3779B97F4A7C15 >> 20); }

}  // namespace

void throw_stale(const std::string& name) { throw std::system_error(ESTALE, std::generic_category(), name); }

Nodes::Nodes(SharedMemory& memory, Undo& undo, const struct stat& root, LetGo let_go)
    : let_go_(std::move(let_go)),
      undo_(undo),
      nodes_(memory, kept_at::nodes, sizeof(Node)),
      names_(memory),
      table_(*static_cast<Table*>(static_cast<void*>(memory.at(kept_at::node_table)))),
      handles_(static_cast<std::uint32_t*>(static_cast<void*>(memory.at(kept_at::handles)))),
      memory_(memory),
      buckets_(fewest_buckets) {
  if (node(root_node).generation != 0)
    recover();
  else
    make_root(root);
}

void Nodes::make_root(const struct stat& root) {
  const Change change(*this);
  const auto id = make(root);
  node(id).lookups = 1;  // never forgotten
  list(id);
}

Nodes::Change::~Change() {
  nodes_.undo_.end();
  nodes_.names_.drop(dropped_);
}

Node& Nodes::Change::of(NodeId id) {
  auto& changed = nodes_.known(id);
  nodes_.undo_.keep(changed);
  return changed;
}

Node& Nodes::known(NodeId id) const {
  auto& found = node(id);
  if (found.generation == 0) throw_stale("node");
  return found;
}

Node Nodes::at(NodeId id) const {
  const std::lock_guard lock(mutex_);
  return known(id);
}

Nodes::Place Nodes::place_of(NodeId id) const {
  const std::lock_guard lock(mutex_);
  const auto& found = known(id);
  return {found, std::string(names_.at(found.name))};
}

NodeId Nodes::current(NodeId id) const {
  const std::lock_guard lock(mutex_);
  while (known(id).is_detached) id = node(id).parent;
  return id;
}

void Nodes::set_place(Change& change, Node& moved, NodeId parent, std::string_view name) {
  auto& directory = known(parent);
  const auto kept = names_.keep(name);
  change.drop(moved.name);
  moved.name = kept;
  ++directory.uses;
  moved.parent = block_of(parent);
}

bool Nodes::leads_to(const Node& node, NodeId parent, std::string_view name) const {
  return node.parent == parent && names_.at(node.name) == name;
}

std::uint16_t Nodes::device_of(const struct stat& seen) {
  const auto count = table_.device_count;
  for (std::uint32_t i = 0; i < count; ++i)
    if (table_.devices[i] == seen.st_dev) return static_cast<std::uint16_t>(i);
  if (count == most_devices) throw std::bad_alloc();
  table_.devices[count] = seen.st_dev;
  undo_.set(table_.device_count, count + 1);
  return static_cast<std::uint16_t>(count);
}

const std::uint32_t* Nodes::bucket(std::uint64_t ino) const { return &buckets_[hash(ino) & (buckets_.size() - 1)]; }
std::uint32_t* Nodes::bucket(const Node& node) { return &buckets_[hash(node.ino) & (buckets_.size() - 1)]; }

void Nodes::list(NodeId id) {
  auto& listed = node(id);
  auto* head = bucket(listed);
  listed.next = *head;
  listed.is_listed = true;
  *head = block_of(id);
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

NodeId Nodes::make(const struct stat& seen) {
  const auto device = device_of(seen);
  const auto id = nodes_.take();
  auto* made = static_cast<Node*>(nodes_.at(id));
  undo_.keep(made->generation);  // none
  *made = Node{};
  made->ino = made->shown = seen.st_ino;
  made->device = device;
  made->type = type_of(seen);
  made->generation = ++table_.generation == 0 ? ++table_.generation : table_.generation;
  if (++count_ > buckets_.size()) resize(buckets_.size() * 2);
  return id;
}

void Nodes::give_back(NodeId id) {
  nodes_.give_back(block_of(id));
  if (--count_ * 8 < buckets_.size() && buckets_.size() > fewest_buckets) resize(buckets_.size() / 2);
}

NodeId Nodes::match(NodeId parent, std::string_view name, const struct stat& seen, bool shared) const {
  for (auto id = *bucket(seen.st_ino); id != 0; id = node(id).next) {
    const auto& found = node(id);
    if (found.ino != seen.st_ino || device(found) != seen.st_dev || found.type != type_of(seen)) continue;
    const bool by_name = shared || found.owner == Owner::shared;
    if (!by_name || leads_to(found, parent, name)) return id;
  }
  return 0;
}

// Whose inode has the number shows it; who borrowed it shows its own.
void Nodes::reclaim_number(std::uint64_t ino) {
  const auto found = borrowed_.find(ino);
  if (found == borrowed_.end()) return;
  auto& borrower = node(found->second);
  undo_.set(borrower.shown, borrower.ino);
  borrowed_.erase(found);
}

NodeId Nodes::enter(NodeId parent, std::string_view name, const struct stat& seen, Owner owner) {
  Change change(*this);
  known(parent);
  auto id = match(parent, name, seen, owner == Owner::shared);
  if (id == 0) {
    reclaim_number(seen.st_ino);
    id = make(seen);
    if (owner == Owner::shared)
      for (auto other = *bucket(seen.st_ino); other != 0; other = node(other).next)
        if (node(other).ino == seen.st_ino) node(id).shown = made_up | id;
    set_place(change, node(id), parent, name);
    list(id);
  }
  auto& found = change.of(id);
  if (!found.has_name() && id != root_node) set_place(change, found, parent, name);
  if (found.owner != Owner::shared && owner != Owner::unknown) found.owner = owner;
  ++found.lookups;
  count_entered(undo_, id);
  return id;
}

NodeId Nodes::enter_nameless(const struct stat& seen) {
  const Change change(*this);
  reclaim_number(seen.st_ino);
  const auto id = make(seen);
  auto& made = node(id);
  made.lookups = 1;
  count_entered(undo_, id);
  made.owner = Owner::guest;
  list(id);
  return id;
}

NodeId Nodes::find(NodeId parent, std::string_view name, const struct stat& seen) const {
  const std::lock_guard lock(mutex_);
  return match(parent, name, seen, false);
}

void Nodes::set_owner(NodeId id, Owner owner) {
  Change change(*this);
  change.of(id).owner = owner;
}

void Nodes::set_served_by_us(NodeId id, bool served) {
  Change change(*this);
  change.of(id).is_served_by_us = served;
}

void Nodes::set_island(NodeId id) {
  Change change(*this);
  change.of(id).is_island = true;
}

std::size_t Nodes::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

std::size_t Nodes::opens() const {
  const std::lock_guard lock(mutex_);
  return opens_;
}

std::size_t Nodes::bytes() const {
  const std::lock_guard lock(mutex_);
  return nodes_.bytes_in_use() + names_.bytes_in_use() + buckets_.size() * sizeof buckets_[0];
}

}  // namespace vunify
