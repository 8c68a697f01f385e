// SPDX-License-Identifier: Apache-2.0
#include "change/fresh_copy.h"

#include <fcntl.h>

#include "sys/clone.h"
#include "sys/inode_attr.h"
#include "sys/write_out.h"

namespace vunify {

FreshCopy::FreshCopy(int staging, const Inode& original, bool is_cold)
    : staging_(staging), original_(original), is_cold_(is_cold) {
  if (space_of(staging).free < original.bytes_on_disk()) throw std::system_error(ENOSPC, std::generic_category());
  fd_ = open_host(proc_path(staging), O_TMPFILE | O_RDWR);
}

void FreshCopy::write(std::uint64_t offset, std::span<const char> bytes) {
  is_whole_ = false;
  write_at(fd_.get(), offset, {bytes.data(), bytes.size()}, "a copy in staging");
}

void FreshCopy::write_all_of(int file) {
  copy_contents(file, fd_.get());
  is_whole_ = stat_fd(fd_.get()).stamp.size == original_.stamp.size;
}

FreshCopy FreshCopy::duplicate() const {
  FreshCopy copy(staging_, original_, is_cold_);
  copy.write_all_of(fd_.get());
  return copy;
}

Fd FreshCopy::finish() {
  // XFS would give the last block of a clone a place of its own.
  if (!is_whole_) resize(fd_.get(), original_.stamp.size, "a copy in staging");
  return std::move(fd_);
}

Held FreshCopy::finish(const Held& original) {
  fd_ = finish();
  set_project_id(fd_.get(), 0);
  restore_metadata(fd_.get(), original.metadata, original.seen.stamp.mtime);
  set_times(fd_.get(), access_time(original.fd.get()), original.seen.stamp.mtime);
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
