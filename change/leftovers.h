// SPDX-License-Identifier: Apache-2.0
// What lies in staging and no journal knows: the state was lost, or damaged, or is another one's. Every run looks into
// each staging directory above its guests, on their filesystem. There an inode
//
//   is removed   where a guest shows it, marked, or a marked one with the same bytes and metadata, compared under
//                leases: whatever it was to become, or came out of, its bytes are there still
//   is kept      where not: it may be a guest's only copy of a file. Told at every run
//
// But for what a vclone left half built (change/half_clones.h), and what a crash of the kernel left in a guest
// (change/scratch_name.h), which is removed.
//
// Unless a marked inode was left unprotected, and nothing in staging is like it: somebody may have written to it since
// through one name, and what its other names showed is in staging, alike to some other file by chance. Then all is
// kept, for good: the next run will find that inode protected again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "change/recover.h"
#include "guest/guest.h"

namespace vunify {

inline constexpr std::string_view for_good_suffix = ".unproven";  // of a leaf that no run removes any more

// After recover(), of which it goes on with the answer. A staging directory that another run holds is passed over, and
// so is what lies where somebody else could write. Runs in the caller's tbb::task_arena. Throws where the state or a
// staging directory cannot be read.
void clear_leftovers(const std::vector<Guest>& guests, const std::string& state_dir, Recovery& recovery);

}  // namespace vunify
