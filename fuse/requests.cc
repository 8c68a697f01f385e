// SPDX-License-Identifier: Apache-2.0
#include "fuse/requests.h"

#include <linux/fuse.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace vunify {
namespace {

constexpr std::uint64_t sent_again = std::uint64_t{1} << 63;  // FUSE_UNIQUE_RESEND

thread_local Slot* slot_of_thread = nullptr;

const fuse_in_header& header_of(const Slot& slot) {
  return *static_cast<const fuse_in_header*>(static_cast<const void*>(slot.buffer.data()));
}

bool is_served(const Slot& slot) { return header_of(slot).len != 0; }

bool is_once(std::uint32_t opcode) {
  return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT;
}

// Where it is not, the kernel finds no page of it in the tables of a process that is just being killed.
void touch(Slot& slot) {
  constexpr std::size_t page = 4096;
  for (std::size_t at = 0; at < slot.buffer.size(); at += page) *static_cast<volatile char*>(&slot.buffer[at]) = 0;
}

bool tells_something(const Slot& slot) {
  return slot.entered_count != 0 || slot.opened != 0 || slot.attempt.what != Attempted::nothing || slot.attempt.is_done;
}

}  // namespace

Requests::Requests(SharedMemory& memory, std::size_t offset) : memory_(memory), region_(region(memory, offset)) {}

Slot* Requests::mine() { return slot_of_thread; }

Slot* Requests::join() {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < most_slots; ++i) {
    auto& slot = region_.slots[i];
    if (is_taken_[i] || (i < region_.used && slot.is_left)) continue;
    is_taken_[i] = true;
    region_.used = std::max(region_.used, static_cast<std::uint32_t>(i + 1));
    touch(slot);
    clear(slot);
    return slot_of_thread = &slot;
  }
  return nullptr;
}

void Requests::leave() {
  if (slot_of_thread == nullptr) return;
  auto& slot = *std::exchange(slot_of_thread, nullptr);
  clear(slot);
  memory_.give_back(memory_.offset_of(slot.buffer.data()), slot.buffer.size());
  const std::lock_guard lock(mutex_);
  is_taken_[static_cast<std::size_t>(&slot - region_.slots.data())] = false;
}

// That nothing is served any more is said first.
void Requests::clear(Slot& slot) {
  std::memset(slot.buffer.data(), 0, sizeof(fuse_in_header));
  std::atomic_signal_fence(std::memory_order_seq_cst);
  slot.is_left = slot.is_answering = false;
  slot.forgotten = slot.entered_count = slot.opened = 0;
  slot.handle = 0;
  slot.attempt.what = Attempted::nothing;
  slot.attempt.is_done = false;
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

std::uint64_t Requests::unique_of(const Slot& slot) { return header_of(slot).unique & ~sent_again; }
bool Requests::was_sent_again(const Slot& slot) { return (header_of(slot).unique & sent_again) != 0; }

void Requests::tell_answering(std::uint64_t unique) {
  if (slot_of_thread != nullptr && header_of(*slot_of_thread).unique == unique) slot_of_thread->is_answering = true;
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

Slot* Requests::find_left(const Slot& slot) {
  if (!was_sent_again(slot)) {
    if (is_once(header_of(slot).opcode)) region_.saw_new.store(true, std::memory_order_relaxed);
    return nullptr;
  }
  const std::lock_guard lock(mutex_);
  for (auto& left : used())
    if (left.is_left && unique_of(left) == unique_of(slot)) return &left;
  return nullptr;
}

// Of what a worker before the last one left the last one has read all that came again, if it has read anything else.
// What it had begun to take over from a slot is in that slot still.
std::vector<Slot*> Requests::drop_old() {
  std::vector<Slot*> given_up;
  const bool were_asked_for = region_.saw_new.exchange(false);
  for (auto& slot : used()) {
    if (!slot.is_left) continue;
    const auto is_taken_over = [&](const Slot& other) {
      return !other.is_left && is_served(other) && unique_of(other) == unique_of(slot);
    };
    const auto taking = std::ranges::find_if(used(), is_taken_over);
    if (taking != used().end()) {
      clear(*taking);
    } else if (were_asked_for) {
      given_up.push_back(&slot);
    }
  }
  return given_up;
}

Requests::Left Requests::take_up() {
  Left left{.asked_again = {}, .given_up = drop_old()};
  for (auto& slot : used()) {
    if (!is_served(slot) || std::ranges::count(left.given_up, &slot) != 0) continue;
    if (is_once(header_of(slot).opcode) && !tells_something(slot)) {
      clear(slot);
      continue;
    }
    slot.is_left = true;
    left.asked_again.push_back(&slot);
  }
  return left;
}

CountedFor::CountedFor(Slot* slot) : before_(std::exchange(slot_of_thread, slot)) {}
CountedFor::~CountedFor() { slot_of_thread = before_; }

void count_entered(Undo& undo, NodeId node) {
  auto* slot = slot_of_thread;
  if (slot == nullptr || slot->entered_count == Slot::most_entered || node == root_node) return;
  slot->entered[slot->entered_count] = static_cast<std::uint32_t>(node);
  undo.set(slot->entered_count, slot->entered_count + 1);
}

void count_forgotten(Undo& undo, NodeId node) {
  auto* slot = slot_of_thread;
  if (slot == nullptr) return;
  if (!is_once(header_of(*slot).opcode)) return undo.set(slot->forgotten, slot->forgotten + 1);
  if (slot->entered_count != 0 && slot->entered[slot->entered_count - 1] == node)
    undo.set(slot->entered_count, slot->entered_count - 1);
}

void count_opened(Undo& undo, NodeId node, OpenedTo to, int handle) {
  auto* slot = slot_of_thread;
  if (slot == nullptr) return;
  undo.set(slot->opened, static_cast<std::uint32_t>(node));
  undo.set(slot->handle, handle);
  undo.set(slot->opened_to, to);
}

void count_released(Undo& undo, NodeId node) {
  auto* slot = slot_of_thread;
  if (slot == nullptr) return;
  if (slot->opened == node) undo.set(slot->opened, std::uint32_t{0});
  if (header_of(*slot).opcode == FUSE_RELEASE) undo.set(slot->attempt.is_done, true);
}

}  // namespace vunify
