// SPDX-License-Identifier: Apache-2.0
// What is being asked now, in memory that outlives us: each thread reads the kernel's requests into a *slot*. A worker
// may be killed at any instruction. The kernel sends the next one again what was not answered, under its number with a
// bit set; by the slot that one knows how far it had come, so that each is done, and counted, once:
//
//     forgets    are not sent again: those that were read and not applied are applied by the next worker
//     counted    look-ups and opens for an answer that the kernel never got are taken back, and the request begun anew
//     attempted  what cannot be done twice, a name made, moved or removed, is noted before: by what the names lead to
//                the next worker sees whether it was done, and what it was (fuse/attempts)
//
// Look-ups and opens are counted in the same step (fuse/undo) in the node and in the slot. A slot that nobody asks for
// again was answered; it goes once a request is read that was not sent again, for these come first. Where it was not
// answered either, its program was killed meanwhile.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "fuse/nodes.h"
#include "sys/shared_memory.h"

namespace vunify {

// The longest write of one request. What is read lies in memory that is there: else a worker that is killed just then
// would have the kernel answer with EIO.
inline constexpr std::size_t most_written = 128 << 10;

enum class Attempted : std::uint8_t { nothing, making, removing, moving, trading, linking, attribute };

// Of a request that changes names, or attributes.
struct AttemptNote {
  Attempted what = Attempted::nothing;
  bool is_done = false;
  bool still_linked = false;  // the inode that loses a name has others
  std::uint32_t parent = 0, to_parent = 0;
  std::uint32_t node = 0, other = 0;  // of the name, and of what the other one leads to; 0: none
  std::uint32_t generation = 0, other_generation = 0;
  std::uint64_t ino = 0, other_ino = 0;
  std::array<char, 256> name{}, to_name{};
};

struct Slot {
  static constexpr std::size_t most_entered = 1000;
  static constexpr std::size_t buffer_bytes = most_written + 4096;  // libfuse's own part

  bool is_left = false;         // by a worker that is dead
  bool is_answering = false;    // the kernel may have its answer
  std::uint32_t forgotten = 0;  // so many of a batch
  std::uint32_t opened = 0;     // the node
  std::int32_t handle = 0;      // with it
  OpenedTo opened_to = OpenedTo::read;
  std::uint32_t entered_count = 0;
  std::array<std::uint32_t, most_entered> entered;  // nodes looked up for the answer
  AttemptNote attempt;
  alignas(4096) std::array<char, buffer_bytes> buffer;  // begins with zeros where nothing is being served
};

class Requests {
 public:
  Requests(SharedMemory& memory, std::size_t offset);
  Requests(const Requests&) = delete;

  // A slot for this thread, or none where all are taken. It is this thread's until leave().
  Slot* join();
  void leave();
  static Slot* mine();

  // Before this thread reads a request, and when it has been answered.
  static void clear(Slot& slot);
  // The request's number, as it was sent first; 0 for none.
  static std::uint64_t unique_of(const Slot& slot);
  static bool was_sent_again(const Slot& slot);

  // Before the answer with this number is written: what was counted for it is the kernel's then.
  static void tell_answering(std::uint64_t unique);

  // The slot of the request that this thread has read, as another worker left it; none: it had not come to that.
  Slot* find_left(const Slot& slot);
  // Whether the worker that died last was asked for anything that nobody before it had been asked for.
  static bool saw_new(SharedMemory& memory, std::size_t offset) { return region(memory, offset).saw_new; }

  // Before anything is served.
  struct Left {
    std::vector<Slot*> asked_again;  // the kernel may ask for them again
    std::vector<Slot*> given_up;     // it will not, and it never had an answer: whoever asked was killed
  };
  Left take_up();

 private:
  static constexpr std::size_t most_slots = 256;
  struct Region {
    std::atomic<bool> saw_new;  // all that was sent again has been read
    std::uint32_t used;         // slots that were ever taken: others are not looked at, and take no memory
    alignas(4096) std::array<Slot, most_slots> slots;
  };

  static Region& region(SharedMemory& memory, std::size_t offset) {
    return *static_cast<Region*>(static_cast<void*>(memory.at(offset)));
  }
  std::vector<Slot*> drop_old();

  SharedMemory& memory_;
  Region& region_;
  std::mutex mutex_;
  std::span<Slot> used() { return std::span(region_.slots).first(region_.used); }

  std::array<bool, most_slots> is_taken_{};
};

// As long as it lives, what is counted for a request is counted for the one in this slot.
class CountedFor {
 public:
  explicit CountedFor(Slot* slot);
  ~CountedFor();
  CountedFor(const CountedFor&) = delete;

 private:
  Slot* before_;
};

// In a step that changes the node, for the slot of this thread.
void count_entered(Undo& undo, NodeId node);
void count_forgotten(Undo& undo, NodeId node);
void count_opened(Undo& undo, NodeId node, OpenedTo to, int handle);
void count_released(Undo& undo, NodeId node);

}  // namespace vunify
