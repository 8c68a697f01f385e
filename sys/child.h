// SPDX-License-Identifier: Apache-2.0
// Work that may crash, or never end, done by a child process (fork(2)): what happens to it does not happen to us. All
// only while this process has one thread, and holds no lease.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace vunify {

// True where the child's work returned true; false where it returned false, threw, was killed by a signal, or took
// more than `seconds` of processor time.
bool succeeds_in_child(const std::function<bool()>& work, unsigned seconds);

struct ChildLimits {
  unsigned seconds = 0;            // of processor time, and as many by the clock
  std::uint64_t memory_bytes = 0;  // of addresses, beside what this process has
  std::size_t answer_bytes = 0;
};

// What the work returned; nothing where it threw, was killed, or went beyond a limit. The child ends with us.
std::optional<std::string> answer_of_child(const std::function<std::string()>& work, const ChildLimits& limits);

}  // namespace vunify
