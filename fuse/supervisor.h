// SPDX-License-Identifier: Apache-2.0
// A mount of vcow is two processes. The *supervisor* made it, and does nothing but wait from then on. Its child, the
// *worker*, serves it: whoever breaks something has only that to break. They have one table of open files
// (sys/shared_descriptors), and the supervisor keeps the memory of what the kernel knows by number: when the worker
// dies, however that comes, nothing is lost but what its processor held, and the next one goes on within milliseconds.
// The kernel then sends again what was asked and not answered (FUSE_NOTIFY_RESEND); programs in the guest have waited.
//
// The supervisor itself asks nothing of its mount: it would wait for the worker that it has to start. Children do that.
#pragma once

#include <functional>

#include "fuse/handover.h"
#include "sys/supervision.h"

namespace vunify {

struct Tasks {
  std::function<int()> start;  // a worker; its process's number. It ends with 0 when nothing is mounted any more
  std::function<int()> place;  // what belongs on the mount; a child's number, or 0 where there is nothing
  std::function<void(bool first)> began;  // a worker of this program serves; the first of the mount, or another
  std::function<void()> stop;             // somebody asks for it: unmounts, in a child
  std::function<void()> give_up;          // likewise, whoever uses it, and here
  std::function<void()> exec;             // another program, which goes on here; returns where that cannot be
  std::function<void()> go_back;          // to the program before this one, where that is known
  std::function<bool()> may_go_on;        // without its mount's being made anew
  std::function<bool()> is_mounted;
  std::function<bool()> was_of_use;  // the worker that died came to what was asked after it began
};

enum class MountEnd { unmounted, to_be_mounted_anew };

// Where another program has served already (Handover::has_begun) it goes on.
// Throws what the first worker said where it could not begin, and std::runtime_error where worker after worker dies.
MountEnd supervise(Handover& handover, const Supervision& supervision, const Tasks& tasks);

}  // namespace vunify
