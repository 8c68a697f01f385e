// SPDX-License-Identifier: Apache-2.0
// Text taken apart without copying it.
#pragma once

#include <string_view>

namespace vunify {

// Takes what stands before the first `end`, or all, off text; the `end` is gone, too.
std::string_view take_until(std::string_view& text, char end);
inline std::string_view take_line(std::string_view& text) { return take_until(text, '\n'); }

// Takes the last word off text, and the blanks around it: words are parted by blanks, tabs and CR.
std::string_view take_last_word(std::string_view& text);

std::string_view without_blanks(std::string_view text);  // at either end
std::string_view without_quotes(std::string_view text);  // single or double, around all of it

}  // namespace vunify
