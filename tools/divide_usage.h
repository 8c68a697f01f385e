// SPDX-License-Identifier: Apache-2.0
// vdu --depth, --by=package, --by=user: what holders are divided into, and how that is told.
#pragma once

#include <vector>

#include "account/measure.h"
#include "tools/usage.h"

namespace vunify {

// Empty where nobody asked. Before any thread is started: guests' packages are read here. is_asked: of held.holders.
PartName division_of(const HeldFilesystem& held, const std::vector<bool>& is_asked, const UsageOptions& options);

// Of one holder. A directory is told with all beneath it, and without what is no deeper than the root.
std::vector<UsageRow> rows_of(const std::vector<PartUsage>& parts, std::size_t holder, const UsageOptions& options);

}  // namespace vunify
