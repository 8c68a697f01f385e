// SPDX-License-Identifier: Apache-2.0
// What the packages of a guest are said to be, where the guest is a scratch directory.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "packages/packages.h"
#include "tests/scratch.h"

namespace vunify::test {

inline Conffiles conffiles_in(const std::string& guest) { return read_conffiles(RootDir(guest)); }
inline Packages packages_in(const std::string& guest) { return read_packages(RootDir(guest)); }

// Sorted.
inline std::vector<std::string> paths_in(const std::string& guest) {
  const auto paths = conffiles_in(guest).paths;
  std::vector<std::string> sorted(paths.begin(), paths.end());
  std::ranges::sort(sorted);
  return sorted;
}

inline std::string unknown(const std::string& reasons) {
  return "packages unreadable: conffiles unknown (" + reasons + ")";
}

}  // namespace vunify::test
