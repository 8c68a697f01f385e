// SPDX-License-Identifier: Apache-2.0
// A file as memory (mmap(2), MAP_SHARED): what is stored in it others read at once, and kill -9 takes nothing away.
#pragma once

#include <cstddef>

namespace vunify {

class MappedFile {
 public:
  // The file is open for reading and writing, and so long: see reserve() (sys/fd.h). It may be closed meanwhile.
  MappedFile(int fd, std::size_t bytes);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;

  // Aligned to a page.
  void* memory() const { return memory_; }

 private:
  void* memory_;
  std::size_t bytes_;
};

}  // namespace vunify
