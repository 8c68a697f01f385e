// SPDX-License-Identifier: Apache-2.0
// Memory that outlives the process that writes to it: a file without a name (memfd_create(2)) whose descriptor another
// process has, too. It is as long as it will ever be, so nothing in it moves, and has memory only where that is used.
#pragma once

#include <cstddef>

#include "sys/fd.h"

namespace vunify {

class SharedMemory {
 public:
  // New, and all zeros.
  explicit SharedMemory(std::size_t bytes);
  // What another process made. It may lie at other addresses here: what is kept in it are offsets, or numbers.
  explicit SharedMemory(Fd file);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;

  int fd() const { return file_.get(); }
  std::size_t bytes() const { return bytes_; }
  std::byte* at(std::size_t offset) const { return memory_ + offset; }
  std::size_t offset_of(const void* place) const {
    return static_cast<std::size_t>(static_cast<const std::byte*>(place) - memory_);
  }

  // A piece of it, whole pages. What was not asked for may be written to all the same, but where the machine has no
  // memory left that is a SIGBUS. Throws std::bad_alloc.
  void use(std::size_t offset, std::size_t bytes);
  // Its memory goes back to the kernel; it reads as zeros.
  void give_back(std::size_t offset, std::size_t bytes);

  // The first piece from `begin` on that has memory; begins at `end` where there is none before it.
  struct Piece {
    std::size_t begin, end;
  };
  Piece next_used(std::size_t begin, std::size_t end) const;

 private:
  Fd file_;
  std::size_t bytes_;
  std::byte* memory_;
};

}  // namespace vunify
