// SPDX-License-Identifier: Apache-2.0
// What keeps one guest from changing a shared inode for the others.
#pragma once

#include <cstdint>

#include "guest/protection.h"

namespace vunify {

// Sets the protecting flags of an open inode, of which there are none under none, reflink and cow, or puts it under the
// guard, and returns all flags that it has then; takes off, and out, whatever protects it.
std::uint32_t protect(int fd, Protection protection);
// For what is shared and bare. What somebody has open for writing, or is about to, takes no iunlink (ETXTBSY):
// immutable alone it takes, and that keeps all others off.
std::uint32_t protect_at_any_rate(int fd, Protection protection);
void protect_bare(int fd, Protection protection);  // nothing where it is protected, be it otherwise
void unprotect(int fd);
bool is_protected(int fd, Protection protection);
// It can be now: not by a guard that is not loaded.
bool can_protect(Protection protection);

// By the flags that it carries, and else by what the guard has; none under cow.
Protection protection_of(int fd);
Protection protection_by(std::uint32_t flags);

}  // namespace vunify
