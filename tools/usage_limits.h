// SPDX-License-Identifier: Apache-2.0
// vdu: what guests may use, beside what they do.
#pragma once

#include <string>

#include "tools/usage.h"

namespace vunify {

// By filesystem and xid: of each guest that has a limit of space, as the ledger has it. None where there is no ledger;
// what is wrong with one is complained of. Before any thread is started.
using UsedLimits = std::map<FsId, std::map<std::uint32_t, UsedLimit>>;
UsedLimits used_limits(const std::string& state_dir);

void add_limits(const UsedLimits& limits, UsageReport& report);

}  // namespace vunify
