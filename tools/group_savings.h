// SPDX-License-Identifier: Apache-2.0
// What guests of one group hold more than once, and vunify would make one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "guest/guest.h"
#include "sys/inode.h"
#include "sys/stop.h"

namespace vunify {

struct GroupSavings {
  std::uint64_t guests = 0;
  std::uint64_t bytes = 0;  // of all inodes of a content but one; those that lie at one place are one
};

// Of the guests of a group, with their configuration files: before any thread is begun (packages/packages.h). group:
// empty for the guests that are in none.
std::vector<GuestRoot> roots_of_group(const std::string& group, const std::string& config);

// By filesystem. One walk, no file's bytes are read: what has the same path, size and mtime is taken for the same, and
// what would not be shared is left out, as far as the walk can tell. Guests that cannot be opened are complained of. In
// the caller's tbb::task_arena.
std::map<FsId, GroupSavings> group_savings(const std::vector<GuestRoot>& roots, const Stop& stop);

}  // namespace vunify
