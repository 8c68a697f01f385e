// SPDX-License-Identifier: Apache-2.0
// Where an inode is found again by its number: the walk that measures keeps no names. This one lists directories, and
// looks at nothing in them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "account/holders.h"
#include "account/measure.h"

namespace vunify {

struct HeldName {
  std::size_t holder = 0;
  std::string path;  // from his root
  auto operator<=>(const HeldName&) const = default;
};

// In the caller's tbb::task_arena. By inode, in order. Names inside subvolumes of a holder's tree are not found.
std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<HeldName>> find_names(
    const HeldFilesystem& held, const std::vector<HeldInode>& inodes, const Stop& stop);

}  // namespace vunify
