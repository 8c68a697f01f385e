// SPDX-License-Identifier: Apache-2.0
// Which path lies in which directory, by their names alone: both from one root, and without a symlink or ".." in them.
#pragma once

#include <string>

namespace vunify {

// False of the directory itself, as of "/" in "/".
bool is_beneath(const std::string& path, const std::string& directory);
bool is_or_is_beneath(const std::string& path, const std::string& directory);

}  // namespace vunify
