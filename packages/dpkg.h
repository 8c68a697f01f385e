// SPDX-License-Identifier: Apache-2.0
// dpkg: its status knows every conffile, those of removed packages and those an upgrade gave up, too, which
// info/*.conffiles does not.
#pragma once

#include "packages/guest_files.h"
#include "packages/inventory.h"

namespace vunify {

// False where the guest has no such database. Throws Unreadable, and what was found by then stays.
bool read_dpkg(const GuestFiles& files, Inventory& inventory);

}  // namespace vunify
