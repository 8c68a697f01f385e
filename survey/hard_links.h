// SPDX-License-Identifier: Apache-2.0
// Whose are the names of an inode that has several? Of one guest, which linked it itself; of several guests, and then
// each of them can change it for the others (clones made with cp -al); or some were found in no guest at all.
#pragma once

#include <cstdint>
#include <vector>

#include "survey/candidates.h"

namespace vunify {

// Names, of one place and guest by guest, that have to leave an inode which other guests have as well, for it cannot be
// shared: a name of it is excluded, a guest has two, it is empty, or only data is shared here; or their guest is of
// another group than the first that has it.
struct Leaving {
  std::vector<NameRef> names;
  bool together = true;  // those of one guest, which linked them itself; names of a shared inode were separate files
};

struct HardLinks {
  std::vector<Leaving> leaving;
  std::vector<NameRef> staying;     // what is left of the names of these inodes
  std::vector<NameRef> last_names;  // shared inodes with one name, which must not be shared any more
};

// For each guest: a number for where it is, as for find_candidates(), and whether data is shared there, not inodes.
struct HardLinkRules {
  std::vector<std::uint32_t> place;
  std::vector<bool> shares_data;
  std::vector<std::uint32_t> group{};  // a number for it; empty where all guests are of one
  std::vector<bool> parts_last{};      // whether its last name leaves a shared inode as well; empty: no guest's does
};

// Sets the verdict of open names that can be no candidates: hard_linked, outside_names. Once the leaving have left,
// what is open has one name; or is shared; or has one name in each of several guests, all found, and can be protected.
HardLinks judge_hard_links(Trees& trees, const HardLinkRules& rules);

}  // namespace vunify
