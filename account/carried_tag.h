// SPDX-License-Identifier: Apache-2.0
// What an inode carries of a number itself (guest/tag.h), as a walk finds it.
#pragma once

#include <cstdint>
#include <string>

#include "sys/walk.h"

namespace vunify {

struct CarriedTag {
  std::uint32_t project = 0;  // 0 also where it cannot be told: of what is gone, or is leased, and, before Linux 6.17,
                              // of what is no file
  bool is_shared = false;     // marked: nobody's
};

// Of a name in the listing that is no directory. fs: that the tree is on.
CarriedTag carried_tag(const RootDir& tree, const FsId& fs, const Listing& listing, const std::string& leaf,
                       const Inode& inode);

}  // namespace vunify
