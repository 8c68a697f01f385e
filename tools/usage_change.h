// SPDX-License-Identifier: Apache-2.0
// vdu --compare: what guests have come to use since an earlier sample. A guest is known by its root's key: one that was
// made anew is new.
#pragma once

#include <string>

#include "tools/usage.h"

namespace vunify {

struct UsageChange {
  std::int64_t logical = 0, exclusive = 0, fair = 0, inodes = 0;
};
UsageChange change_of(const Usage& now, const Usage& before);

// Nothing where it was not there.
const HolderSample* holder_in(const Sample& sample, const HolderSample& holder);

// Most grown first, by what is sorted by; those that went stand last.
std::string change_text(const UsageReport& report, const UsageOptions& options);

}  // namespace vunify
