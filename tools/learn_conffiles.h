// SPDX-License-Identifier: Apache-2.0
// What each guest's package manager calls configuration becomes one of its rules.
#pragma once

#include <vector>

#include "guest/guest.h"
#include "unify/outcome.h"

namespace vunify {

// Reads it (packages/packages.h) where a guest's rules want it: before any thread is begun and any lease taken. Guests
// of which it cannot be known are told of in outcome's notes.
void learn_conffiles(std::vector<GuestRoot>& roots, Outcome& outcome);

}  // namespace vunify
