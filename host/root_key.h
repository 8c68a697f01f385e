// SPDX-License-Identifier: Apache-2.0
// A guest's root, as what is kept of a guest over the years knows it: not by a name, which another guest may have
// tomorrow, nor by a number of an inode alone, which is given out again once a guest is deleted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sys/mount.h"

namespace vunify {

// One word: filesystem, inode number, its birth and its handle (sys/handle.h). The same for as long as that directory
// is there, also where it is moved within its filesystem, or adopted by vcow. Nothing where it cannot be opened now.
// mounts: the table of now.
std::optional<std::string> root_key(const std::string& root, const std::vector<Mount>& mounts);

}  // namespace vunify
