// SPDX-License-Identifier: Apache-2.0
// Whom vdu was asked for, and who else is on this host: what one guest uses hangs neither on who else is named, nor in
// which order.
#pragma once

#include <vector>

#include "account/contents.h"
#include "guest/guest.h"
#include "tools/usage.h"

namespace vunify {

struct AskedRoots {
  std::vector<GuestRoot> known;   // all guests of this host that have a root, and the directories that were named
  std::vector<GuestRoot> asked;   // of these
  std::vector<HeldInode> inodes;  // of asked
  bool is_whole = true;           // nothing was complained of
};

// Throws Failed{usage} for a name that no guest has, or a directory that is not there.
AskedRoots find_asked_roots(const UsageOptions& options);

}  // namespace vunify
