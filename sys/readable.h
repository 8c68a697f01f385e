// SPDX-License-Identifier: Apache-2.0
// Waiting for one of many descriptors (poll(2)), and reading what is there then.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace vunify {

// Until one of them can be read, or is at its end; or for so long, or until a signal was caught. True for those that
// can.
std::vector<bool> wait_readable(const std::vector<int>& files, std::chrono::milliseconds at_most);

// What it has now, of a file that does not wait: 0 at its end, nothing where somebody else has taken what was there.
std::optional<std::size_t> read_now(int file, std::span<char> buffer, std::string_view path);

}  // namespace vunify
