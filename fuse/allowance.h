// SPDX-License-Identifier: Apache-2.0
// What the guest may still use of the disk: asked before anything is taken, and what df(1) in the guest shows. Until
// guests have limits (account/) that is what the filesystem has.
//
// What the kernel writes by itself (passthrough) is not asked for: its growth shows in the attributes of a file when
// the kernel asks for them again, at the latest when it is closed.
#pragma once

#include <sys/statvfs.h>

#include <cstdint>

namespace vunify {

class Allowance {
 public:
  // Throws std::system_error, ENOSPC or EDQUOT, where the guest may not have so many bytes or inodes more.
  void ask(std::uint64_t bytes, std::uint64_t inodes) const;

  struct statvfs show(const struct statvfs& filesystem) const;
};

}  // namespace vunify
