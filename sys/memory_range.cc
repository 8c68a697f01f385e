// SPDX-License-Identifier: Apache-2.0
#include "sys/memory_range.h"

#include <sys/mman.h>

#include <new>

namespace vunify {

void* reserve_range(std::size_t bytes) {
  void* range = ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) throw std::bad_alloc();
  return range;
}

void give_range_back(void* range, std::size_t bytes) { ::munmap(range, bytes); }

void use_range(void* piece, std::size_t bytes) {
  if (::mprotect(piece, bytes, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
}

void give_memory_back(void* piece, std::size_t bytes) { ::madvise(piece, bytes, MADV_DONTNEED); }

}  // namespace vunify
