// SPDX-License-Identifier: Apache-2.0
#include "tools/usage_limits.h"

#include "tools/limit_state.h"
#include "tools/limits.h"

namespace vunify {

UsedLimits used_limits(const std::string& state_dir) {
  UsedLimits limits;
  const auto ledger = find_ledger(state_dir, lmdb::Access::read);
  if (!ledger) return limits;
  for (const auto& state : all_states(*ledger, {}))
    if (state.limit.total.space != no_limit)
      limits[state.key.fs][state.key.xid] = {state.limit.total.space, state.used.space};
  return limits;
}

void add_limits(const UsedLimits& limits, UsageReport& report) {
  for (auto& filesystem : report.filesystems) {
    const auto of_fs = limits.find(filesystem.sample.fs);
    if (of_fs == limits.end()) continue;
    for (const auto& holder : filesystem.sample.holders) {
      const auto found = holder.xid ? of_fs->second.find(*holder.xid) : of_fs->second.end();
      filesystem.limits.push_back(found == of_fs->second.end() ? std::nullopt : std::optional(found->second));
    }
  }
}

}  // namespace vunify
