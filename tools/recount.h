// SPDX-License-Identifier: Apache-2.0
// The ledger made exact: who is shown by a vcow is counted by that, while he goes on; all others here.
#pragma once

#include <string>
#include <vector>

#include "account/ledger.h"
#include "host/host_guest.h"

namespace vunify {

// Returns what could not be counted, and why: a line each.
std::vector<std::string> recount(const Ledger& ledger, const std::vector<LimitKey>& keys,
                                 const std::vector<HostGuest>& guests);

}  // namespace vunify
