// SPDX-License-Identifier: Apache-2.0
// vdu --why: what one file costs whom, in words.
#pragma once

#include <string>

#include "tools/measure_usage.h"

namespace vunify {

// Of options.why_path in the only guest of options. In the caller's tbb::task_arena. Throws Failed{usage} where there
// is no such name; nothing is to be said of it where we are to stop.
std::string usage_why(const AskedHolders& asked, const UsageOptions& options, const Stop& stop, Counters& counters);

}  // namespace vunify
