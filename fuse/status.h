// SPDX-License-Identifier: Apache-2.0
// What a daemon says of itself when it is asked (guest/control): a JSON object. Names that a guest gave stand there a
// character a byte (as in Latin-1), for JSON knows characters only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "account/holding.h"
#include "fuse/breaks.h"

namespace vunify {

struct Served;

struct Serving {
  std::uint64_t nodes = 0;          // that the kernel knows
  std::uint64_t node_bytes = 0;     // of memory, that they take
  std::uint64_t open_files = 0;     // of the kernel: open(2)s that were not released
  std::uint64_t backing_files = 0;  // that the kernel may read and write by itself
  std::uint64_t directories = 0;    // kept open, for they were used lately
  std::uint64_t held_inodes = 0;    // likewise, for no name leads to them any more
  std::optional<Left> limit{};      // none: the guest has none
  BreaksTold breaks;                // since this process began
};

std::string status_of(const Served& served, const Breaks& breaks);

// What a daemon answered, be it an older one: what that does not tell is 0. Throws std::invalid_argument for what is no
// answer.
Serving serving_from(std::string_view answer);

}  // namespace vunify
