// SPDX-License-Identifier: Apache-2.0
// The limits that the host's configuration wants, as the ledger takes them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "account/ledger.h"
#include "host/host_guest.h"

namespace vunify {

// Of which filesystem; of btrfs all subvolumes are one. Throws std::system_error.
LimitKey limit_key(const std::string& directory, std::uint32_t xid);

using WantedLimits = std::vector<std::pair<LimitKey, Limit>>;

// dlimits/ of a guest that has an xid. Throws Misconfigured, and std::system_error for a directory that is not there.
WantedLimits limits_of(const HostGuest& guest);

// All in one transaction; a limit keeps how it is counted, and is counted anew where that is another. Returns whether
// anything was changed.
bool set_limits(const Ledger& ledger, const WantedLimits& limits);

// The ledger to be written to. Throws Failed{fatal} for one that is damaged, saying what to do.
Ledger open_ledger(const std::string& state_dir);

}  // namespace vunify
