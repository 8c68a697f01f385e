// SPDX-License-Identifier: Apache-2.0
// A shared inode that is left with its last name is its guest's own again: it carries that guest's tag (guest/tag.h),
// and neither mark nor protection. But a guest that has given its name up may hold on to the inode, by a descriptor
// that can do nothing by itself (O_PATH), a mount, or a program that runs from it; no system call tells, and
// unprotected it could be written to by all of them. So natively the last name gets a copy, as any other: here only
// what nobody but a vcow reaches is given back as it is, and what was never another's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "change/journal.h"
#include "guest/guest_name.h"
#include "sys/inode.h"

namespace vunify {

// Whether the last name of a shared inode keeps it: where it is an adopted guest's.
bool keeps_last_inode(const RootDir& root);

// The tag of the guest that has the inode, which one of these names leads to; 0 where the guests of all of them carry
// none. Nothing where neither is so.
std::optional<std::uint32_t> tag_of_holder(std::uint64_t ino, const std::vector<GuestName>& names);

// Gives it back to its guest. names: those that may lead to it. False, and nothing changed, where it is not this inode,
// has other names, or is not marked, be it stale; where one of these guests reaches it natively, or did when it was
// protected, or somebody has it open; nor where it is not known whose tag it is to carry: it stays marked, and a run
// that knows its name gives it back, or a copy of it.
bool release_last_name(int fd, const FileId& id, const std::vector<GuestName>& names);
// The same of an inode of a journalled set, by the names that the journal tells.
bool release_last_name(int fd, const JournaledSet& set);

// Of one that was marked and protected for others, and led to by none: whoever has it open, it is its guest's.
bool release_unshared(int fd, const FileId& id, const std::vector<GuestName>& names);

}  // namespace vunify
