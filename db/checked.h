// SPDX-License-Identifier: Apache-2.0
// A record that tells whether it is as it was written: its version, its body, and XXH3-64 of both and of its key. LMDB
// keeps no checksums, and a flipped bit is a number like any other. Not keyed: whoever could forge it is root.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vunify {

struct Checked {
  std::uint8_t version = 0;
  std::string_view body;  // of the value that was given
};

std::string check_in(std::string_view key, std::uint8_t version, std::string_view body);
// Nothing where value or key are damaged.
std::optional<Checked> check_out(std::string_view key, std::string_view value);

}  // namespace vunify
