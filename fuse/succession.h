// SPDX-License-Identifier: Apache-2.0
// How one program takes the place of another in the process that keeps a guest mounted (vcow upgrade): by execve(2),
// with the memory that workers leave each other and all that is open, whose numbers lie in that memory (fuse/handover).
// Where it cannot go on the one before it does, which is open until a worker of the new one serves.
#pragma once

#include "fuse/serving.h"

namespace vunify {

// Executes what lies at this program's path now. Returns where that cannot be, having told why.
void give_way(const Service& service);

// Executes the program before this one. Returns where there is none, or it cannot be.
void go_back(const Service& service);
// The same while nothing of what it left has been taken over. What is mounted is taken away where this returns.
void go_back(const MountRequest& request);

// Throws EPROTO for one of another layout.
Handover& handover_in(const SharedMemory& memory);

}  // namespace vunify
