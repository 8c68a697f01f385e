// SPDX-License-Identifier: Apache-2.0
// The verb of vunify and vhashify: the guests that were chosen are unified, by their rules and for what was asked.
#pragma once

#include <vector>

#include "tools/choose.h"
#include "tools/options.h"
#include "tools/session.h"

namespace vunify {

// As open_roots(), and looks into their staging.
std::vector<Guest> open_chosen(const Choice& choice, std::size_t least, Session& session);

// Within Session::carry_out(). Throws Failed where too few guests are left, or nothing would keep them apart.
void unify_chosen(const Options& options, const Choice& choice, Session& session);

}  // namespace vunify
