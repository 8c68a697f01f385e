// SPDX-License-Identifier: Apache-2.0
// The worker: it serves what the supervisor mounted (fuse/supervisor). Every worker begins alike, the first one, one in
// the place of another that died, and one of a new program: with the kernel's first request, as it was kept.
#pragma once

#include <unordered_set>

#include "fuse/handover.h"
#include "fuse/islands.h"
#include "fuse/mount.h"
#include "fuse/source.h"
#include "guest/guest.h"
#include "guest/mounted.h"
#include "sys/shared_memory.h"

namespace vunify {

// What all workers of a mount have, one after the other. It is the supervisor's: a worker only refers to it.
struct Service {
  const MountRequest& request;
  const Guest& guest;
  const Source& source;
  const Islands& islands;
  int device;
  MountRecord& record;
  int listening;  // where questions come in (fuse/control)
  SharedMemory& memory;
  Handover& handover;
  int supervisor;                       // its process
  std::unordered_set<int> descriptors;  // that are the supervisor's
};

// Starts one; its process's number. It tells the supervisor (Supervision::Event::told) when it serves; why it does not
// is in the handover.
int start_worker(const Service& service);

// What a worker left that was killed when nothing was mounted any more.
void clean_up(const Service& service) noexcept;

}  // namespace vunify
