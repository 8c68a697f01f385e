// SPDX-License-Identifier: Apache-2.0
// Tells of guests in user namespaces: their files cannot share an inode with those of others, but the admin should know
// that they could.
#pragma once

#include "hashindex/prove.h"
#include "unify/tally.h"

namespace vunify {

// Gives Verdict::shifted_owner to the files without a twin that differ from another guest's, at the same path, in their
// owner alone, user and group by the same number. Their bytes are compared, without leases.
void find_shifted_owners(const std::vector<Guest>& guests, Scan& scan, const std::vector<std::uint32_t>& place,
                         const Stop& stop, Counters& counters, Tally& tally);

}  // namespace vunify
