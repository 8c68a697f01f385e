// SPDX-License-Identifier: Apache-2.0
// A shared inode whose protection is lifted for a moment, and nothing of it is staged: what the journal has to know, so
// that the next start protects it again.
#pragma once

#include <string>

#include "change/held.h"
#include "change/journal.h"
#include "change/protection.h"
#include "guest/guest_name.h"

namespace vunify {

// A set without names. name: one that leads to the inode; staging: where the next start looks for what was interrupted,
// which need not be there; fs: its filesystem, as text.
JournaledSet lifted_set(const Held& held, const GuestName& name, Protection protection, const std::string& staging,
                        const std::string& fs);

// For the next start: what such a set says was unprotected is protected again, if others have it still. on_fs: a
// directory of the filesystem.
void protect_lifted(const JournaledSet& set, int on_fs);

}  // namespace vunify
