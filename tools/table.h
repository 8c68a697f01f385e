// SPDX-License-Identifier: Apache-2.0
// Rows of words as lines for a terminal: the first column to the left, all others to the right.
#pragma once

#include <string>
#include <vector>

namespace vunify {

using Row = std::vector<std::string>;

// All rows have as many words as the first, which are printable().
std::string table_of(const std::vector<Row>& rows);

}  // namespace vunify
