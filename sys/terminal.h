// SPDX-License-Identifier: Apache-2.0
// What is at the other end of a descriptor, where it is a terminal.
#pragma once

#include <cstddef>
#include <optional>

namespace vunify {

// The width of the terminal (TIOCGWINSZ), 80 where it does not say; nothing where fd is no terminal.
std::optional<std::size_t> terminal_columns(int fd);

}  // namespace vunify
