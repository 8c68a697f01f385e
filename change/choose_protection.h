// SPDX-License-Identifier: Apache-2.0
// Which protection holds here, and what would help where none does.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "guest/protection.h"

namespace vunify {

inline constexpr std::string_view probe_leaf = "probe";  // a name in staging, gone again once this has chosen

// What holds on the filesystem that the staging directory lies on. wanted: what the user named, or nothing for `auto`:
// iunlink where the running kernel has it, else guard where that is loaded and holds, else reflink where the filesystem
// has it, never immutable. All are found out by doing, in staging. Protection::none where what is wanted does not hold,
// as cow does not: it is for guests that are adopted, whatever they lie on (unify/place.h).
Protection choose_protection(int staging, std::optional<Protection> wanted);

// The same for a dry run: on a file without a name, in the directory that staging would be in.
Protection guess_protection(int parent, std::optional<Protection> wanted);

// One line for the admin whose guest is left alone: other advice than what was wanted already.
std::string what_would_help(const std::string& fs_type, std::optional<Protection> wanted);

}  // namespace vunify
