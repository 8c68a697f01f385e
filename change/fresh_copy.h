// SPDX-License-Identifier: Apache-2.0
// A keeper that is born ours: what was compared, written to an inode that no guest ever had in its hands. Whatever a
// guest began with a file of its own before we came - a page that the kernel still writes to for it, a mapping, a
// descriptor it handed on - ends in that file, which goes.
#pragma once

#include <cstdint>
#include <span>

#include "change/held.h"
#include "sys/fd.h"

namespace vunify {

// Unnamed until it is linked: what is given up, or killed, leaves nothing behind.
class FreshCopy {
 public:
  // staging: a directory of the filesystem that it is for; it outlives this. Throws ENOSPC where the filesystem has not
  // as much room as the original takes. is_cold: nothing of that is in the page cache, nor shall this stay there.
  FreshCopy(int staging, const Inode& original, bool is_cold);

  // Any pieces, in any order; what is never written is a hole.
  void write(std::uint64_t offset, std::span<const char> bytes);
  // All that is in a file that is ours, and no guest's to write to.
  void write_all_of(int file);
  // Another one that holds what this one does so far.
  FreshCopy duplicate() const;
  // With the metadata of the inode that was read and nobody's tag, open for reading and under a lease; its bytes are on
  // their way to the disk. Throws EOPNOTSUPP where the filesystem gives it other metadata. The last call.
  Held finish(const Held& original);
  // The same, its bytes alone: for a file that will never have a name.
  Fd finish();

  bool is_cold() const { return is_cold_; }

 private:
  int staging_;
  Inode original_;
  bool is_cold_;
  bool is_whole_ = false;  // as it is: also its end is where it is to be
  Fd fd_;
};

}  // namespace vunify
