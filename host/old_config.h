// SPDX-License-Identifier: Apache-2.0
// NAME.conf, as util-vserver had it before there were directories: a shell script of assignments that its tools
// sourced. Here it is read as text, and nothing of it is ever run.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vunify {

struct Assigned {
  std::string value;  // without its quotes
  int line = 0;
};

// What the script leaves in a variable: the last of its assignments, also behind `export`. Nothing where it has none.
// Throws Misconfigured at the line where only a shell could tell: an expansion ($, `), a subshell, an assignment after
// an `if` or before a command, `unset`, a quote without an end. Of other variables it may do what it likes.
std::optional<Assigned> shell_assignment(std::string_view text, std::string_view variable, const std::string& file);

}  // namespace vunify
