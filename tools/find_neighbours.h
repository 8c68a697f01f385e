// SPDX-License-Identifier: Apache-2.0
// vplan --neighbours: sketches of all guests of this host, made of what is in their trees now.
#pragma once

#include <vector>

#include "sys/stop.h"
#include "tools/plan.h"

namespace vunify {

struct FoundNeighbours {
  std::vector<GuestNeighbours> guests;
  bool is_whole = true;  // nothing was complained of
};

// One walk, no file is opened: a content is known by its path, size and mtime. In the caller's tbb::task_arena.
FoundNeighbours find_neighbours(const PlanOptions& options, const Stop& stop);

}  // namespace vunify
