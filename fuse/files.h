// SPDX-License-Identifier: Apache-2.0
// Files opened: how a file is served as long as it is open, by the kernel itself or by us.
#pragma once

#include <fcntl.h>

#include "fuse/served.h"

namespace vunify {

bool writes(int flags);

// Counts an open of a locked node whose inode may be opened so; file: the inode open for reading, or held.
Opened open_locked(Served& served, NodeId id, int file, int flags);

// What the kernel never came to know: the open, and so many look-ups.
void take_back(Served& served, NodeId id, const Opened& opened, std::uint64_t lookups);

}  // namespace vunify
