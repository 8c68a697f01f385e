// SPDX-License-Identifier: Apache-2.0
// The part of the node table that is about its next process: what follows from the nodes is made anew, in a pass over
// all of them (a million in a tenth of a second), and what was under way is told.
#include <algorithm>
#include <bit>

#include "fuse/kept_at.h"
#include "fuse/nodes.h"

namespace vunify {

template <typename Take>
std::vector<NodeId> Nodes::those(const Take& take) const {
  std::vector<NodeId> all;
  nodes_.for_each([&](std::uint32_t id) {
    const auto& one = node(id);
    if (one.generation != 0 && take(one)) all.push_back(id);
  });
  return all;
}

void Nodes::recover() {
  count_uses();
  drop_unknown();
  take_up();
}

void Nodes::count_uses() {
  const auto all = those([](const Node&) { return true; });
  count_ = all.size();
  for (const auto id : all) {
    opens_ += node(id).opens;
    node(id).uses = 0;
    node(id).is_busy = false;
  }
  for (const auto id : all)
    if (const auto parent = node(id).parent) ++node(parent).uses;
}

// Who was killed between the last thing that kept a node and the node.
void Nodes::drop_unknown() {
  for (NodeId id : those([](const Node& one) { return !one.is_in_use(); })) {
    while (id != 0 && !node(id).is_in_use()) {
      const Undo::Step step(undo_);
      auto& dropped = node(id);
      undo_.keep(dropped);
      lose_backing(dropped);
      id = dropped.parent;
      dropped = Node{};
      if (id != 0) --node(id).uses;
      --count_;
    }
  }
}

void Nodes::take_up() {
  buckets_.resize(std::max(fewest_buckets, std::bit_ceil(count_)));
  for (const auto id : those([](const Node&) { return true; })) {
    const auto& one = node(id);
    nodes_.take_up(block_of(id));
    names_.take_up(one.name);
    if (one.is_listed) list(id);
    if (one.shown != one.ino && !one.is_detached) borrowed_[one.shown] = id;
  }
  nodes_.settle();
  names_.settle();
}

std::vector<NodeId> Nodes::opened() const {
  const std::lock_guard lock(mutex_);
  return those([](const Node& one) { return one.opens != 0 && one.is_regular() && one.owner != Owner::shared; });
}

std::vector<NodeId> Nodes::held() const {
  const std::lock_guard lock(mutex_);
  return those([](const Node& one) { return one.is_held(); });
}

// The kernel counts them up.
std::vector<NodeId> Nodes::backed() const {
  const std::lock_guard lock(mutex_);
  auto all = those([](const Node& one) { return one.backing != 0; });
  std::ranges::sort(all, {}, [this](NodeId id) { return node(id).backing; });
  return all;
}

std::vector<NodeId> Nodes::breaking_left() const {
  const std::lock_guard lock(mutex_);
  return those([](const Node& one) { return one.is_breaking; });
}

std::vector<NodeId> Nodes::nameless() const {
  const std::lock_guard lock(mutex_);
  auto all = those([](const Node& one) { return !one.has_name() && !(one.is_detached && one.owner == Owner::shared); });
  std::erase(all, root_node);
  return all;
}

std::vector<int> Nodes::descriptors() const {
  std::vector<int> all;
  for (const auto id : held()) all.push_back(at(id).descriptor);
  for (auto piece = memory_.next_used(kept_at::handles, kept_at::node_table); piece.begin != piece.end;
       piece = memory_.next_used(piece.end, kept_at::node_table))
    for (auto i = piece.begin - kept_at::handles; i < piece.end - kept_at::handles; i += sizeof *handles_)
      if (handles_[i / sizeof *handles_] != 0) all.push_back(static_cast<int>(i / sizeof *handles_));
  return all;
}

std::vector<int> Nodes::lost_backings() const {
  const std::lock_guard lock(mutex_);
  std::vector<int> all;
  std::ranges::copy_if(table_.lost_backings, std::back_inserter(all), [](int backing) { return backing != 0; });
  return all;
}

int Nodes::last_backing() const {
  const std::lock_guard lock(mutex_);
  return table_.last_backing;
}

}  // namespace vunify
