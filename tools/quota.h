// SPDX-License-Identifier: Apache-2.0
// What users and groups use in a guest, and may use: for vquota to tell.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "account/ledger.h"
#include "guest/adopted.h"
#include "tools/id_names.h"

namespace vunify {

struct Quota {
  Whose whose;
  Amount used{};
  Amount limit{no_limit, no_limit};
  std::optional<std::string> name{};
};

struct Quotas {
  std::string guest;
  std::optional<std::uint32_t> xid{};
  bool is_of_ledger = false;  // else of a walk, just now
  bool is_enforced = false;   // a vcow holds the guest to them
  Count count = Count::exclusive;
  std::vector<Quota> all{};  // users, then groups, by number
};

// What the ledger knows of a guest, with a vcow's last second missing; nothing where it was never counted, or is not
// believed to be right.
std::optional<Quotas> quotas_of_ledger(const Ledger& ledger, const LimitKey& key);
// What lies in its tree. Of a guest that a vcow shows where it is, shared files count too: no mark is seen there.
Quotas quotas_by_walk(const GuestPlace& place);
// Limits are put to what a walk found; who has one and uses nothing is told, too.
void put_limits(Quotas& quotas, const std::vector<std::pair<Whose, Amount>>& limits);

// kinds: which are told, "user" and "group".
std::string to_text(const Quotas& quotas, const std::vector<Whose::Kind>& kinds);
std::string to_json(const Quotas& quotas, const std::vector<Whose::Kind>& kinds);

}  // namespace vunify
