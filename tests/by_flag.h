// SPDX-License-Identifier: Apache-2.0
// What keeps the guests of a test apart where it is flags of the inode that do: immutable, which every kernel has, or
// what VUNIFY_TEST_PROTECT names (./dev kernel: iunlink).
#pragma once

#include <cstdlib>
#include <string>

#include "guest/protection.h"

namespace vunify::test {

inline Protection by_flag() {
  const char* named = std::getenv("VUNIFY_TEST_PROTECT");
  return named == nullptr ? Protection::immutable : parse_protection(named).value();
}
inline std::string flag_name() { return std::string(name_of(by_flag())); }
inline std::string protect_by_flag() { return "--protect=" + flag_name(); }

}  // namespace vunify::test
