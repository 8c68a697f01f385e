// SPDX-License-Identifier: Apache-2.0
// vdu's answer at once: what was measured last (account/history.h), and when.
#pragma once

#include <map>
#include <optional>

#include "tools/asked_roots.h"

namespace vunify {

// Nothing where somebody who is asked for was not there then, or nothing was kept; with options.as_of it throws
// Failed{usage} then. Before any thread is started.
std::optional<UsageReport> usage_of_history(const AskedRoots& roots, const UsageOptions& options);

// The last sample of each filesystem that is of no later day. Throws Failed{usage} where there is none. As above.
std::map<FsId, Sample> samples_as_of(Day day, const UsageOptions& options);

// How many inodes a walk can expect, by the last sample of this filesystem; 0 where there is none. As above.
std::uint64_t inodes_of_last(const FsId& fs, const UsageOptions& options);

}  // namespace vunify
