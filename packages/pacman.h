// SPDX-License-Identifier: Apache-2.0
// pacman: a directory a package, whose file `files` names what is configuration under %BACKUP%.
#pragma once

#include "packages/guest_files.h"
#include "packages/inventory.h"

namespace vunify {

// False where the guest has no such database. Throws Unreadable, and what was found by then stays.
bool read_pacman(const GuestFiles& files, Inventory& inventory);

}  // namespace vunify
