// SPDX-License-Identifier: Apache-2.0
// vdu's answer at once: what was measured last (account/history.h), and when.
#pragma once

#include <optional>

#include "tools/asked_roots.h"

namespace vunify {

// Nothing where somebody who is asked for was not there then, or nothing was kept. Before any thread is started.
std::optional<UsageReport> usage_of_history(const AskedRoots& roots, const UsageOptions& options);

}  // namespace vunify
