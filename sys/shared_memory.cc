// SPDX-License-Identifier: Apache-2.0
#include "sys/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <new>

namespace vunify {
namespace {

// Whoever else has it cannot take away what is mapped here: that would be a SIGBUS (fcntl(2), F_ADD_SEALS).
Fd make_memory(std::size_t bytes) {
  Fd file(check(::memfd_create("vcow", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create"));
  resize(file.get(), bytes, "memfd");
  check(::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), "F_ADD_SEALS");
  return file;
}

off_t offset(std::size_t bytes) { return static_cast<off_t>(bytes); }

}  // namespace

SharedMemory::SharedMemory(std::size_t bytes) : SharedMemory(make_memory(bytes)) {}

// In no core file, for which each hole of it would be filled.
SharedMemory::SharedMemory(Fd file)
    : file_(std::move(file)),
      bytes_(static_cast<std::size_t>(check(::lseek(file_.get(), 0, SEEK_END), "lseek", "memfd"))) {
  void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file_.get(), 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  ::madvise(memory, bytes_, MADV_DONTDUMP);
  memory_ = static_cast<std::byte*>(memory);
}

SharedMemory::~SharedMemory() { ::munmap(memory_, bytes_); }

void SharedMemory::use(std::size_t begin, std::size_t bytes) {
  if (::fallocate(fd(), 0, offset(begin), offset(bytes)) != 0) throw std::bad_alloc();
}

void SharedMemory::give_back(std::size_t begin, std::size_t bytes) {
  ::fallocate(fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset(begin), offset(bytes));
}

SharedMemory::Piece SharedMemory::next_used(std::size_t begin, std::size_t end) const {
  const off_t used = ::lseek(fd(), offset(begin), SEEK_DATA);
  if (used < 0 || used >= offset(end)) return {end, end};
  const off_t hole = check(::lseek(fd(), used, SEEK_HOLE), "lseek", "memfd");
  return {static_cast<std::size_t>(used), std::min(static_cast<std::size_t>(hole), end)};
}

}  // namespace vunify
