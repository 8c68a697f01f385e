// SPDX-License-Identifier: Apache-2.0
// A path as it was asked for by somebody who thinks of the guest from inside: /bin/ls is usr/bin/ls where /bin is a
// symlink.
#pragma once

#include <string>

#include "sys/root_dir.h"

namespace vunify {

// What path leads to in the tree, by its own name, from the root on; path itself where it leads nowhere.
std::string own_name(const RootDir& root, const std::string& path);

}  // namespace vunify
