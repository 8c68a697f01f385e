// SPDX-License-Identifier: Apache-2.0
// The exchange, undone, however the guest moves its names meanwhile.
#pragma once

#include <cstdint>

#include "sys/link.h"

namespace vunify {

// After exchange(staged, name): staged holds what came out of the guest (inode came_out), and the guest's name led to
// `ours`. Exchanges back and removes what is ours from staging. A guest that removed or replaced its name in between
// finds it so: what it would have removed is removed. False where staging is left holding something that is neither,
// which is then to be kept and reported. `ours` must not be protected, and whoever calls holds it open since before the
// exchange: a guest that replaced it could otherwise be given its number for a file of its own.
bool put_back(const StagedName& staged, const Name& name, std::uint64_t came_out, std::uint64_t ours);

}  // namespace vunify
