// SPDX-License-Identifier: Apache-2.0
// Inodes opened before they are changed. Those that guests lease are waited for together: one after the other, a guest
// could make each of them cost fs.lease-break-time.
#pragma once

#include <vector>

#include "sys/handle.h"
#include "sys/wait_together.h"

namespace vunify {

// All of One have `bool open(OnLease)`: false where a lease is in the way.
template <typename One>
void open_all(std::vector<One>& all) {
  std::vector<One*> leased;
  for (auto& one : all)
    if (!one.open(OnLease::fail)) leased.push_back(&one);
  wait_together(leased.size(), [&](std::size_t i) { leased[i]->open(OnLease::wait); });
}

}  // namespace vunify
