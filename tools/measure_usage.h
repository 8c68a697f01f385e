// SPDX-License-Identifier: Apache-2.0
// vdu: measures what guests use now.
#pragma once

#include "account/measure.h"
#include "sys/stop.h"
#include "tools/asked_roots.h"
#include "tools/usage.h"

namespace vunify {

// The filesystems on which somebody lies who is asked for, with all their holders.
struct AskedHolders {
  struct One {
    HeldFilesystem held;
    std::vector<bool> is_asked;  // of held.holders
    PartName part;               // what they are divided into; empty: they are not
    std::uint64_t files = 0;     // as many are expected; 0: nobody knows
  };
  std::vector<One> filesystems;
  bool is_whole = true;  // nothing was complained of
};

// A directory that is no guest's root is a holder of its own: what is in it is not counted for the guest, or the host,
// whose it would be. Before any thread is started: guests' packages are read here.
AskedHolders open_asked(const AskedRoots& roots, const UsageOptions& options);

// In the caller's tbb::task_arena.
UsageReport measure_usage(const AskedHolders& asked, const UsageOptions& options, const Stop& stop, Counters& counters);

}  // namespace vunify
