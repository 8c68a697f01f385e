// SPDX-License-Identifier: Apache-2.0
#include "sys/beneath.h"

namespace vunify {

bool is_beneath(const std::string& path, const std::string& directory) {
  return path.starts_with(directory == "/" ? directory : directory + "/") && path != directory;
}

bool is_or_is_beneath(const std::string& path, const std::string& directory) {
  return path == directory || is_beneath(path, directory);
}

}  // namespace vunify
