// SPDX-License-Identifier: Apache-2.0
// A shell script about a tree, for one that lies anywhere.
#pragma once

#include <string>

namespace vunify::test {

// With the directory where the script has a %.
inline std::string script_in(const std::string& directory, std::string script) {
  for (std::size_t at; (at = script.find('%')) != std::string::npos;) script.replace(at, 1, directory);
  return script;
}

}  // namespace vunify::test
