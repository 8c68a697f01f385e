// SPDX-License-Identifier: Apache-2.0
// Guests that a vcow shows are unified by asking its daemon (guest/live_guest).
#pragma once

#include <vector>

#include "guest/guest.h"
#include "unify/outcome.h"

namespace vunify {

// Of each that is mounted, where its daemon answers. What it sees natively (fuse/islands) is left out: nothing in it is
// ever shared.
void find_live(std::vector<Guest>& guests);

// Those that fell silent, or ended, on the way.
void tell_silent(const std::vector<Guest>& guests, Outcome& outcome);

}  // namespace vunify
