// SPDX-License-Identifier: Apache-2.0
#include "fuse/recovery.h"

#include <linux/fuse.h>

#include <vector>

#include "fuse/attempts.h"
#include "fuse/files.h"
#include "fuse/log.h"
#include "fuse/served.h"

namespace vunify {
namespace {

template <typename Part>
const Part& part_of(const Slot& slot, std::size_t at) {
  return *static_cast<const Part*>(static_cast<const void*>(&slot.buffer[at]));
}

std::uint32_t opcode_of(const Slot& slot) { return part_of<fuse_in_header>(slot, 0).opcode; }

bool is_about_no_answer(const Slot& slot) {
  const auto opcode = opcode_of(slot);
  return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET || opcode == FUSE_INTERRUPT;
}

// The rest of them.
void forget_batch(Served& served, const Slot& slot) {
  constexpr auto begin = sizeof(fuse_in_header), first = begin + sizeof(fuse_batch_forget_in);
  const auto count = part_of<fuse_batch_forget_in>(slot, begin).count;
  while (slot.forgotten < count && first + (slot.forgotten + 1) * sizeof(fuse_forget_one) <= slot.buffer.size()) {
    const auto& one = part_of<fuse_forget_one>(slot, first + slot.forgotten * sizeof(fuse_forget_one));
    served.nodes.forget(one.nodeid, one.nlookup);
  }
}

void forget_rest(Served& served, Slot& slot) {
  const CountedFor counted(&slot);
  if (opcode_of(slot) == FUSE_FORGET && slot.forgotten == 0) {
    const auto& header = part_of<fuse_in_header>(slot, 0);
    served.nodes.forget(header.nodeid, part_of<fuse_forget_in>(slot, sizeof header).nlookup);
  } else if (opcode_of(slot) == FUSE_BATCH_FORGET) {
    forget_batch(served, slot);
  }
}

void finish_forgetting(Served& served, Slot& slot) {
  try {
    forget_rest(served, slot);
  } catch (const std::system_error& error) {
    tell(std::string("what the kernel forgot: ") + error.what());
  }
  Requests::clear(slot);
}

// False where a directory on the way was moved by another of these: that comes first.
bool try_to_settle(Served& served, Slot& slot) {
  try {
    settle(served, slot.attempt);
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void settle_all(Served& served, std::vector<Slot*> slots) {
  for (std::size_t before = slots.size() + 1; !slots.empty() && slots.size() < before;) {
    before = slots.size();
    std::erase_if(slots, [&](Slot* slot) { return try_to_settle(served, *slot); });
  }
  for (const auto* slot : slots)
    tell(std::string("what an earlier worker was stopped in cannot be looked at: ") + slot->attempt.name.data());
}

// Another thread may have the file open already, by the same node.
void take_back_open(Served& served, const Slot& slot) {
  const NodeLock lock(served.nodes, slot.opened);
  take_back(served, slot.opened, {.handle = static_cast<std::uint64_t>(slot.handle)}, slot.opened_to, 0);
}

// What was counted for an answer that the kernel never got.
void take_counts_back(Served& served, Slot& slot) {
  const CountedFor counted(&slot);
  while (slot.entered_count != 0) served.nodes.forget(slot.entered[slot.entered_count - 1], 1);
  if (slot.opened != 0) take_back_open(served, slot);
}

void try_to_take_counts_back(Served& served, Slot& slot) {
  try {
    if (!slot.is_answering) take_counts_back(served, slot);
  } catch (const std::system_error& error) {
    tell(std::string("what an earlier worker had counted cannot be taken back: ") + error.what());
  }
}

}  // namespace

void finish_requests_left(Served& served) {
  auto left = served.requests.take_up();
  for (auto* slot : left.given_up) {
    try_to_take_counts_back(served, *slot);
    Requests::clear(*slot);
  }
  for (auto* slot : left.asked_again)
    if (is_about_no_answer(*slot)) finish_forgetting(served, *slot);
  std::erase_if(left.asked_again, [](const Slot* slot) { return !slot->is_left; });
  settle_all(served, left.asked_again);
}

// The kernel has no answer to it, whatever we had begun to say.
void take_over(Served& served, Slot& slot) {
  auto* left = served.requests.find_left(slot);
  if (left == nullptr) return;
  left->is_answering = false;
  try_to_take_counts_back(served, *left);
  slot.attempt = left->attempt;
  Requests::clear(*left);
}

}  // namespace vunify
