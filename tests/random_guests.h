// SPDX-License-Identifier: Apache-2.0
// Guests made of chance: few distinct contents of many sizes, sometimes with another mode, owner, mtime or attribute,
// in trees of a like shape. The same seed makes the same guests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vunify::test {

struct Shape {
  unsigned guests = 3;
  unsigned files = 40;         // in each guest
  bool links_between = false;  // pieces that one guest has from another by cp -al
};

// Makes them in directory `where`; returns their roots.
std::vector<std::string> grow_guests(const std::string& where, std::uint32_t seed, const Shape& shape);

}  // namespace vunify::test
