// SPDX-License-Identifier: Apache-2.0
// What a kill leaves in shared memory, at every instruction: a child process works one step of the processor at a time
// (ptrace(2)), and whenever it has stored something the memory is looked at as it is at that instant.
#pragma once

#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <vector>

#include "sys/shared_memory.h"

namespace vunify::test {

// All that is used of it.
class MemoryImage {
 public:
  explicit MemoryImage(const SharedMemory& memory) {
    for (auto piece = memory.next_used(0, memory.bytes()); piece.begin != memory.bytes();
         piece = memory.next_used(piece.end, memory.bytes()))
      pieces_.push_back({piece.begin, {memory.at(piece.begin), memory.at(piece.end)}});
  }
  bool is_of(const SharedMemory& memory) const {
    for (const auto& [begin, bytes] : pieces_)
      if (std::memcmp(memory.at(begin), bytes.data(), bytes.size()) != 0) return false;
    return true;
  }
  void write_to(const SharedMemory& memory) const {
    for (const auto& [begin, bytes] : pieces_) std::memcpy(memory.at(begin), bytes.data(), bytes.size());
  }

 private:
  struct Piece {
    std::size_t begin;
    std::vector<std::byte> bytes;
  };
  std::vector<Piece> pieces_;
};

// Goes on by one instruction; false where it has ended.
inline bool step_on(pid_t child) {
  if (::ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) return false;
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSTOPPED(status)) return true;
  EXPECT_EQ(status, 0) << "the child came to grief";
  return false;
}

template <typename Work>
pid_t begin_stepping(const Work& work) {
  const auto child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSTOPPED(status));
  return child;
}

// look(image): as a kill would leave it, before the first store and after each. Returns how many there were.
template <typename Work, typename Look>
int at_each_store(const SharedMemory& memory, const Work& work, const Look& look) {
  MemoryImage image(memory);
  look(image);
  int stores = 0;
  const auto child = begin_stepping(work);
  while (step_on(child) && !::testing::Test::HasFailure()) {
    if (image.is_of(memory)) continue;
    image = MemoryImage(memory);
    look(image);
    ++stores;
  }
  return stores;
}

}  // namespace vunify::test
