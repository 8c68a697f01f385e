// SPDX-License-Identifier: Apache-2.0
// A shared inode that is left with its last name is its guest's own again: it carries that guest's tag (guest/tag.h),
// and neither mark nor protection.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "change/journal.h"
#include "guest/guest_name.h"
#include "sys/inode.h"

namespace vunify {

// The tag of the guest that has the inode, which one of these names leads to; 0 where the guests of all of them carry
// none. Nothing where neither is so.
std::optional<std::uint32_t> tag_of_holder(std::uint64_t ino, const std::vector<GuestName>& names);

// Gives it back to its guest. names: those that may lead to it. False, and nothing changed, where it is not this inode,
// has other names, or is not marked, be it stale; nor where it is not known whose tag it is to carry: it stays marked,
// and a run that knows its name gives it back; nor, where no flag protects it (cow), while somebody has it open: a
// guest that left it may read it still, or run it, and whom it is given back to writes in place.
bool release_last_name(int fd, const FileId& id, const std::vector<GuestName>& names);
// The same of an inode of a journalled set, by the names that the journal tells.
bool release_last_name(int fd, const JournaledSet& set);

}  // namespace vunify
