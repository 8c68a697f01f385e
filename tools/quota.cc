// SPDX-License-Identifier: Apache-2.0
#include "tools/quota.h"

#include <algorithm>

#include "account/count_tree.h"
#include "fuse/break_staging.h"
#include "sys/lock_file.h"
#include "tools/limit_state.h"

namespace vunify {
namespace {

Quota& quota_of(Quotas& quotas, Whose whose) {
  const auto found = std::ranges::lower_bound(quotas.all, whose, {}, &Quota::whose);
  if (found != quotas.all.end() && found->whose == whose) return *found;
  return *quotas.all.insert(found, Quota{.whose = whose});
}

}  // namespace

std::optional<Quotas> quotas_of_ledger(const Ledger& ledger, const LimitKey& key) {
  const auto limit = ledger.read().limit(key);
  if (!limit) return std::nullopt;
  const auto state = state_of(ledger, key, *limit);
  if (!state.is_counted) return std::nullopt;
  Quotas quotas{.guest = {}, .xid = key.xid, .is_of_ledger = true, .is_enforced = state.by_vcow, .count = limit->count};
  for (const auto& [account, is] : ledger.read().user_accounts(key)) add(quota_of(quotas, account.whose).used, is.used);
  put_limits(quotas, ledger.read().user_limits(key));
  return quotas;
}

Quotas quotas_by_walk(const GuestPlace& place) {
  const bool is_covered = place.is_mounted && !place.is_adopted();
  Quotas quotas{.guest = {}, .count = is_covered ? Count::logical : Count::exclusive};
  const auto uses = count_tree(RootDir(place.root), Count::exclusive, break_staging_leaf);
  for (const auto& [whose, used] : uses.by) quotas.all.push_back({.whose = whose, .used = used});
  return quotas;
}

void put_limits(Quotas& quotas, const std::vector<std::pair<Whose, Amount>>& limits) {
  for (const auto& [whose, limit] : limits) quota_of(quotas, whose).limit = limit;
}

}  // namespace vunify
