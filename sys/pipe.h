// SPDX-License-Identifier: Apache-2.0
// A pipe between two processes of which one comes to execute a program: no end of it is inherited by accident.
#pragma once

#include "sys/fd.h"

namespace vunify {

// Both ends close when a program is executed.
struct Pipe {
  Fd reads, writes;
};
Pipe make_pipe();

// Whoever reads from this end is told that there is nothing, and never waits (O_NONBLOCK).
void read_without_waiting(const Fd& reads);

}  // namespace vunify
