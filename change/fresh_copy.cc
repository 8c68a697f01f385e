// SPDX-License-Identifier: Apache-2.0
#include "change/fresh_copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "sys/clone.h"
#include "sys/inode_attr.h"
#include "sys/write_out.h"

namespace vunify {
namespace {

constexpr std::size_t block = 4096;  // of most filesystems, and of the page cache

bool is_zero(std::span<const char> bytes) {
  return std::ranges::all_of(bytes, [](char byte) { return byte == 0; });
}

// Calls write with the offsets of each run of blocks that are not all zero.
void for_each_data(std::span<const char> bytes, const auto& write) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at < bytes.size(); at += block) {
    if (!is_zero(bytes.subspan(at, std::min(block, bytes.size() - at)))) continue;
    if (begin < at) write(begin, at);
    begin = at + block;
  }
  if (begin < bytes.size()) write(begin, bytes.size());
}

}  // namespace

FreshCopy::FreshCopy(int staging, std::uint64_t size) : staging_(staging), size_(size) {
  if (space_of(staging).free < size) throw std::system_error(ENOSPC, std::generic_category());
  fd_ = open_host(proc_path(staging), O_TMPFILE | O_RDWR);
}

void FreshCopy::write(std::uint64_t offset, std::span<const char> bytes) {
  for_each_data(bytes, [&](std::size_t begin, std::size_t end) {
    write_at(fd_.get(), offset + begin, {bytes.data() + begin, end - begin}, "a copy in staging");
  });
}

void FreshCopy::write_all_of(int file) { copy_contents(file, fd_.get()); }

FreshCopy FreshCopy::duplicate() const {
  FreshCopy copy(staging_, size_);
  copy.write_all_of(fd_.get());
  return copy;
}

Held FreshCopy::finish(const Held& original) {
  check(::ftruncate(fd_.get(), static_cast<off_t>(size_)), "ftruncate");
  if (project_id(fd_.get()) != original.metadata.project) set_project_id(fd_.get(), original.metadata.project);
  restore_metadata(fd_.get(), original.metadata, original.seen.stamp.mtime);
  begin_write_out(fd_.get());
  Held held;
  held.fd = open_host(proc_path(fd_.get()), O_RDONLY);
  fd_ = {};  // a writer, for the lease
  held.lease = Lease::take(held.fd.get());
  held.seen = stat_fd(held.fd.get());
  held.metadata = read_metadata(held.fd.get());
  if (!held.lease || held.metadata != original.metadata)
    throw std::system_error(EOPNOTSUPP, std::generic_category(), "a copy cannot have all of its metadata");
  return held;
}

}  // namespace vunify
