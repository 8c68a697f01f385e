// SPDX-License-Identifier: Apache-2.0
// vdu: measures what guests use. Whoever is asked for, holders are counted over all guests that this host knows: what
// one guest uses hangs neither on who else is named, nor in which order.
#pragma once

#include "account/measure.h"
#include "sys/stop.h"
#include "tools/cli.h"
#include "tools/usage.h"

namespace vunify {

// The filesystems on which somebody lies who is asked for, with all their holders.
struct AskedHolders {
  struct One {
    HeldFilesystem held;
    std::vector<bool> is_asked;  // of held.holders
    PartName part;               // what they are divided into; empty: they are not
  };
  std::vector<One> filesystems;
  bool is_whole = true;  // nothing was complained of
};

// A directory that is no guest's root is a holder of its own: what is in it is not counted for the guest, or the host,
// whose it would be. Before any thread is started: guests' packages are read here. Throws Failed{usage} for a name that
// no guest has, or a directory that is not there.
AskedHolders find_asked(const UsageOptions& options);

// In the caller's tbb::task_arena.
UsageReport measure_usage(const AskedHolders& asked, const UsageOptions& options, const Stop& stop, Counters& counters);

}  // namespace vunify
