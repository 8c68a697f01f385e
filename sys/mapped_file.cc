// SPDX-License-Identifier: Apache-2.0
#include "sys/mapped_file.h"

#include <sys/mman.h>

#include "sys/fd.h"

namespace vunify {

MappedFile::MappedFile(int fd, std::size_t bytes)
    : memory_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)), bytes_(bytes) {
  if (memory_ == MAP_FAILED) throw_errno("mmap");
}

MappedFile::~MappedFile() { ::munmap(memory_, bytes_); }

}  // namespace vunify
