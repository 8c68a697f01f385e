// SPDX-License-Identifier: Apache-2.0
#include "fuse/undo.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <iterator>

namespace vunify {

Undo::Undo(SharedMemory& memory, std::size_t offset)
    : memory_(memory), log_(*static_cast<Log*>(static_cast<void*>(memory.at(offset)))) {}

// The compiler moves no store past it, in either direction; the processor does not matter to who comes after us.
void Undo::set_count(std::uint64_t count) {
  std::atomic_ref(log_.count).store(count, std::memory_order_release);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

void Undo::keep(const void* place, std::size_t size) {
  auto offset = memory_.offset_of(place);
  while (size != 0) {
    if (log_.count == std::size(log_.kept)) std::terminate();
    auto& kept = log_.kept[log_.count];
    kept.offset = offset;
    kept.size = std::min(size, sizeof kept.old);
    std::memcpy(kept.old, memory_.at(offset), kept.size);
    set_count(log_.count + 1);
    offset += kept.size;
    size -= kept.size;
  }
}

void Undo::end() { set_count(0); }

// What was kept last goes back first: of bytes that were kept twice the oldest hold.
bool Undo::roll_back() {
  if (log_.count == 0) return false;
  for (auto i = log_.count; i-- > 0;) {
    const auto& kept = log_.kept[i];
    std::memcpy(memory_.at(kept.offset), kept.old, kept.size);
  }
  end();
  return true;
}

}  // namespace vunify
