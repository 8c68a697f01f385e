// SPDX-License-Identifier: Apache-2.0
// vunify's state, as others take it whom no run may meet: those verbs of vcow after which a tree is somewhere else, or
// somebody else's to change; and vguard.
#pragma once

#include <string>

#include "guest/state_dir.h"

namespace vunify {

// Locked: no run of vunify is at work as long as it lives. Throws Failed{locked}.
StateDir lock_state(const std::string& path);

// Locked, and no run is left half done, for journals know names by where trees lie, and what they say is done to these
// natively. Throws Failed{locked}; what recovery had to keep is complained of.
StateDir lock_quiet_state(const std::string& path);

}  // namespace vunify
