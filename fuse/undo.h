// SPDX-License-Identifier: Apache-2.0
// Changes of memory that outlives us (sys/shared_memory) which are made whole, or not at all: in a *step* the old bytes
// are kept here before they change, and its end forgets them with one store. We may be killed at any instruction; who
// comes after us rolls back what had not ended. It is kill -9 that this is for, not a power cut: what a process stored
// is there when it is dead, in the order of its program.
//
//     {
//       const Undo::Step step(undo);
//       undo.keep(node);
//       node.lookups = 1;
//     }
#pragma once

#include <cstddef>
#include <cstdint>

#include "sys/shared_memory.h"

namespace vunify {

class Undo {
 public:
  // Of the memory, from an offset on.
  static constexpr std::size_t bytes = 1 << 20;
  Undo(SharedMemory& memory, std::size_t offset);
  Undo(const Undo&) = delete;

  // One at a time, under whatever lock guards all that is kept here. It ends however it is left: what throws does so
  // before anything is changed.
  class Step {
   public:
    explicit Step(Undo& undo) : undo_(undo) {}
    ~Step() { undo_.end(); }
    Step(const Step&) = delete;

   private:
    Undo& undo_;
  };

  // Objects in the memory, before they change. In one step some thousand times 64 bytes: beyond that we end ourselves,
  // and leave it to the next to roll back.
  void keep(const void* place, std::size_t size);
  template <typename Object>
  void keep(const Object& object) {
    keep(&object, sizeof object);
  }
  template <typename Value>
  void set(Value& place, Value value) {
    keep(place);
    place = value;
  }

  // Of a step, by who begins none in so many words.
  void end();

  // Before anything else is read in the memory of a process that died. False: nothing had to be.
  bool roll_back();

 private:
  struct Kept {
    std::uint64_t offset;  // in the memory
    std::uint64_t size;
    std::byte old[64];
  };
  struct Log {
    std::uint64_t count;
    Kept kept[(bytes - sizeof(std::uint64_t)) / sizeof(Kept)];
  };
  static_assert(sizeof(Log) <= bytes);

  void set_count(std::uint64_t count);

  SharedMemory& memory_;
  Log& log_;
};

}  // namespace vunify
