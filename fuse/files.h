// SPDX-License-Identifier: Apache-2.0
// Files opened: how a file is served as long as it is open, by the kernel itself or by us.
#pragma once

#include <fcntl.h>

#include "fuse/served.h"

namespace vunify {

bool writes(int flags);
OpenedTo opened_to(int flags);

// Counts an open of a locked node whose inode may be opened so; file: the inode open for reading, or held.
Opened open_locked(Served& served, NodeId id, int file, int flags);

// What the kernel never came to know: the open, and so many look-ups. Returns as Nodes::release().
bool take_back(Served& served, NodeId id, const Opened& opened, OpenedTo to, std::uint64_t lookups);

// A detached node, locked, that nobody has open any more takes the place of the one that its name leads to; the inode
// that it stood for is let go, and the kernel is to be told. False where it is not so, or the kernel knows that one.
bool try_attach(Served& served, NodeId id);

}  // namespace vunify
