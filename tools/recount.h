// SPDX-License-Identifier: Apache-2.0
// The ledger made exact: who is shown by a vcow is counted by that, while he goes on; all others here.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "account/ledger.h"
#include "host/host_guest.h"

namespace vunify {

// What guests with these numbers have of their own is another since a run shared files of theirs, or gave them back:
// they are counted before they are shown next, or by vdlimit --recount.
void ask_for_counts(const Ledger& ledger, const std::set<std::uint32_t>& xids);

struct Recounted {
  std::vector<std::string> failed;  // what could not be counted, and why: a line each
  std::vector<std::string> off;     // whose vcow had kept something else than it finds
};
Recounted recount(const Ledger& ledger, const std::vector<LimitKey>& keys, const std::vector<HostGuest>& guests);

}  // namespace vunify
