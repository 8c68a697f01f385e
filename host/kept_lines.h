// SPDX-License-Identifier: Apache-2.0
// A short list in the state directory that must not be believed when it is damaged: one line an entry, sealed by its
// last line with a count and a checksum (against accidents, not against root), replaced as a whole.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "guest/state_dir.h"

namespace vunify {

// None where there is no such file. Throws std::runtime_error, "PATH is damaged: REMEDY", where it is not what was
// kept: what is in it then is nobody's guess.
std::vector<std::string> kept_lines(const std::string& path, std::string_view remedy);

// Replaces it in one step, and durably: killed, or on a full disk, the old one stays. No line has a line end in it.
// state: locked by the caller.
void keep_lines(const StateDir& state, const std::string& leaf, const std::vector<std::string>& lines);

// A name as one word of a line: what is no letter to print is %HH.
std::string to_word(std::string_view name);
std::string from_word(std::string_view word);

}  // namespace vunify
