// SPDX-License-Identifier: Apache-2.0
#include "fuse/attempts.h"

#include <atomic>
#include <optional>
#include <utility>

#include "fuse/served.h"

namespace vunify {
namespace {

using Text = std::array<char, 256>;

void put(Text& place, std::string_view name) {
  place.fill('\0');
  name.copy(place.data(), place.size() - 1);
}

// The inode that a name leads to; 0 where there is none.
std::uint64_t inode_of(Served& served, NodeId parent, const Text& name) {
  const auto seen = find_at(served.addresses.of(parent, name.data()).at());
  return seen ? seen->st_ino : 0;
}

bool is_known(const Nodes& nodes, NodeId id, std::uint32_t generation) {
  try {
    return id != 0 && nodes.at(id).generation == generation;
  } catch (const std::system_error&) {
    return false;
  }
}

// The node has not been told of the change yet.
bool has_place(const Nodes& nodes, NodeId id, std::uint32_t generation, NodeId parent, const Text& name) {
  if (!is_known(nodes, id, generation)) return false;
  const auto place = nodes.place_of(id);
  return place.node.parent == parent && place.name == name.data();
}

bool is_at_first(const Nodes& nodes, const AttemptNote& attempt) {
  return has_place(nodes, attempt.node, attempt.generation, attempt.parent, attempt.name);
}

bool is_other_at_second(const Nodes& nodes, const AttemptNote& attempt) {
  return has_place(nodes, attempt.other, attempt.other_generation, attempt.to_parent, attempt.to_name);
}

bool finish_removing(Served& served, const AttemptNote& attempt) {
  if (inode_of(served, attempt.parent, attempt.name) == attempt.ino) return false;
  if (is_at_first(served.nodes, attempt)) served.nodes.unname(attempt.node, attempt.still_linked);
  return true;
}

bool finish_moving(Served& served, const AttemptNote& attempt) {
  if (inode_of(served, attempt.to_parent, attempt.to_name) != attempt.ino) return false;
  if (inode_of(served, attempt.parent, attempt.name) == attempt.ino) return false;
  if (is_other_at_second(served.nodes, attempt)) served.nodes.unname(attempt.other, attempt.still_linked);
  if (is_at_first(served.nodes, attempt)) served.nodes.rename(attempt.node, attempt.to_parent, attempt.to_name.data());
  return true;
}

// Two names of one inode: whether they were exchanged nobody sees, and it does not matter.
bool finish_trading(Served& served, const AttemptNote& attempt) {
  if (inode_of(served, attempt.to_parent, attempt.to_name) != attempt.ino || attempt.ino == attempt.other_ino)
    return false;
  const bool moves_first = is_at_first(served.nodes, attempt);
  const bool moves_other = is_other_at_second(served.nodes, attempt);
  if (moves_first && moves_other) {
    served.nodes.exchange(attempt.node, attempt.other);
  } else if (moves_first) {
    served.nodes.rename(attempt.node, attempt.to_parent, attempt.to_name.data());
  } else if (moves_other) {
    served.nodes.rename(attempt.other, attempt.parent, attempt.name.data());
  }
  return true;
}

bool finish(Served& served, const AttemptNote& attempt) {
  switch (attempt.what) {
    case Attempted::making:
      return inode_of(served, attempt.parent, attempt.name) != 0;
    case Attempted::linking:
      return inode_of(served, attempt.parent, attempt.name) == attempt.ino;
    case Attempted::removing:
      return finish_removing(served, attempt);
    case Attempted::moving:
      return finish_moving(served, attempt);
    case Attempted::trading:
      return finish_trading(served, attempt);
    default:
      return false;
  }
}

void order() { std::atomic_signal_fence(std::memory_order_seq_cst); }

}  // namespace

bool was_asked_before() { return Requests::mine() != nullptr && Requests::was_sent_again(*Requests::mine()); }

bool was_done() { return Requests::mine() != nullptr && Requests::mine()->attempt.is_done; }

bool was_attempted(Attempted what) { return Requests::mine() != nullptr && Requests::mine()->attempt.what == what; }

Attempting::Attempting(const AttemptNote& attempt) : slot_(Requests::mine()) {
  if (slot_ == nullptr || attempt.what == Attempted::nothing) return;
  slot_->attempt.what = Attempted::nothing;
  order();
  auto noted = attempt;
  noted.what = Attempted::nothing;
  slot_->attempt = noted;
  order();
  slot_->attempt.what = attempt.what;
  order();
}

Attempting::~Attempting() {
  if (slot_ != nullptr) slot_->attempt.what = Attempted::nothing;
}

void Attempting::done() {
  if (slot_ == nullptr) return;
  order();
  std::exchange(slot_, nullptr)->attempt.is_done = true;
  order();
}

AttemptNote attempt_at(Attempted what, NodeId parent, std::string_view name) {
  AttemptNote attempt{.what = what, .parent = static_cast<std::uint32_t>(parent)};
  put(attempt.name, name);
  return attempt;
}

AttemptNote attempt_at(Attempted what, NodeId parent, std::string_view name, NodeId to_parent,
                       std::string_view to_name) {
  auto attempt = attempt_at(what, parent, name);
  attempt.to_parent = static_cast<std::uint32_t>(to_parent);
  put(attempt.to_name, to_name);
  return attempt;
}

void note_node(AttemptNote& attempt, const Nodes& nodes, NodeId id) {
  attempt.node = static_cast<std::uint32_t>(id);
  if (id != 0) attempt.generation = nodes.at(id).generation;
}

void note_other(AttemptNote& attempt, const Nodes& nodes, NodeId id) {
  attempt.other = static_cast<std::uint32_t>(id);
  if (id != 0) attempt.other_generation = nodes.at(id).generation;
}

// What an attribute is set to it may be set to again.
void settle(Served& served, AttemptNote& attempt) {
  if (attempt.is_done || attempt.what == Attempted::nothing || attempt.what == Attempted::attribute) return;
  if (finish(served, attempt))
    attempt.is_done = true;
  else
    attempt.what = Attempted::nothing;
}

}  // namespace vunify
