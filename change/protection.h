// SPDX-License-Identifier: Apache-2.0
// What keeps one guest from changing a shared inode for the others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "guest/protection.h"
#include "sys/inode.h"

namespace vunify {

// What holds on the filesystem that the staging directory lies on. wanted: what the user named, or nothing for `auto`:
// iunlink where the running kernel has it, else guard where that is loaded and holds, else reflink where the filesystem
// has it, never immutable. All are found out by doing, in staging. Protection::none where what is wanted does not hold,
// as cow does not: it is for guests that are adopted, whatever they lie on (unify/place.h).
inline constexpr std::string_view probe_leaf = "probe";  // its name in staging, gone again on return
Protection choose_protection(int staging, std::optional<Protection> wanted);

// The same for a dry run: on a file without a name, in the directory that staging would be in.
Protection guess_protection(int parent, std::optional<Protection> wanted);

// One line for the admin whose guest is left alone: other advice than what was wanted already.
std::string what_would_help(const std::string& fs_type, std::optional<Protection> wanted);

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
