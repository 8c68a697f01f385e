// SPDX-License-Identifier: Apache-2.0
// What a process takes of the host, as /proc tells it.
#pragma once

#include <cstdint>
#include <optional>

namespace vunify {

struct ProcessUse {
  std::uint64_t resident = 0;      // bytes of memory that it has in hand
  std::uint64_t proportional = 0;  // likewise; of what it shares with others its part (PSS)
  std::uint64_t threads = 0;
};

// Nothing where there is no such process (any more), or it is not ours to be asked.
std::optional<ProcessUse> use_of_process(int process);

}  // namespace vunify
