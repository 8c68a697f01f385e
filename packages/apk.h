// SPDX-License-Identifier: Apache-2.0
// apk: what its rules of paths protect is configuration, and so is what stands in etc and comes from no package.
#pragma once

#include "packages/guest_files.h"
#include "packages/inventory.h"

namespace vunify {

// False where the guest has no such database. Throws Unreadable, and what was found by then stays.
bool read_apk(const GuestFiles& files, Inventory& inventory);

}  // namespace vunify
