// SPDX-License-Identifier: Apache-2.0
// Tells of guests in user namespaces: their files cannot share an inode with those of others, but the admin should know
// that they could.
#pragma once

#include "unify/link_groups.h"

namespace vunify {

// Gives Verdict::shifted_owner to the files without a twin that differ from another guest's, at the same path, in their
// owner alone, user and group by the same number. The digests of their bytes tell, those that the index knows unread:
// nothing is linked for it.
void find_shifted_owners(const std::vector<Guest>& guests, Scan& scan, const std::vector<std::uint32_t>& place,
                         const LinkRules& rules, const Stop& stop, Counters& counters, Tally& tally);

}  // namespace vunify
