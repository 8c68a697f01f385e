// SPDX-License-Identifier: Apache-2.0
// vunify's state, as those verbs of vcow take it after which a tree is somewhere else, or somebody else's to change.
#pragma once

#include <string>

#include "guest/state_dir.h"

namespace vunify {

// Locked: no run of vunify is at work as long as it lives. And none is left half done, for journals know names by where
// trees lie, and what they say is done to these natively. Throws Failed{locked}; what recovery had to keep is
// complained of.
StateDir lock_quiet_state(const std::string& path);

}  // namespace vunify
