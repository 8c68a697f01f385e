// SPDX-License-Identifier: Apache-2.0
// rpm: its database is one of three kinds, of which SQLite is read; a guest with one of the others keeps all of /etc to
// itself. librpm is not asked: it runs macros, and makes a database where it finds none.
#pragma once

#include "packages/guest_files.h"
#include "packages/inventory.h"

namespace vunify {

// False where the guest has no such database. Throws Unreadable, and what was found by then stays. SQLite runs in a
// child process: see sys/child.
bool read_rpm(const GuestFiles& files, Inventory& inventory);

// What the header of one package says. Throws std::runtime_error.
void add_rpm_package(std::string_view header, Inventory& inventory);

}  // namespace vunify
