// SPDX-License-Identifier: Apache-2.0
// What a guest's program may do, which its root, an attacker, gets hold of: what installing packages takes, and never
// more than the guest's own first process may.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vunify {

// For this process and all that it starts, for good; it has to have CAP_SYS_ADMIN and CAP_SETPCAP of its user namespace
// until then. bounding: the capabilities that the guest may have.
void confine(std::uint64_t bounding);

// All that a package manager gets of an environment: nothing of ours. It asks nobody anything, and keeps configuration
// that was changed. is_running: the guest's services are to be restarted; else, none are to be started.
std::vector<std::string> environment_inside(bool is_running);

}  // namespace vunify
