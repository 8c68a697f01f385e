// SPDX-License-Identifier: Apache-2.0
// Rows of words as lines for a terminal: the first column to the left, all others to the right.
#pragma once

#include <string>
#include <vector>

namespace vunify {

// All rows have as many words as the first, which are printable().
std::string table_of(const std::vector<std::vector<std::string>>& rows);

}  // namespace vunify
