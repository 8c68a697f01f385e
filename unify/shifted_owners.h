// SPDX-License-Identifier: Apache-2.0
// Tells of guests in user namespaces: their files cannot share an inode with those of others, but the admin should know
// that they could.
#pragma once

#include "unify/place.h"
#include "unify/run.h"
#include "unify/tally.h"

namespace vunify {

// Gives Verdict::shifted_owner to the files without a twin that differ from another guest's, at the same path, in their
// owner alone, user and group by the same number. The digests of their bytes tell, those that the index knows unread:
// nothing is linked for it.
void find_shifted_owners(const Survey& survey, const Places& places, const Run& run, Tally& tally);

}  // namespace vunify
