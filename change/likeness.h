// SPDX-License-Identifier: Apache-2.0
// Inodes in staging that nobody knows, held against the marked ones that guests show.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "guest/guest.h"
#include "sys/inode.h"

namespace vunify {

struct Unknown {
  Inode inode;
  std::vector<std::string> leaves{};  // all its names in staging
  bool for_good = false;              // not to be proven any more
};
using UnknownInodes = std::map<std::uint64_t, Unknown>;  // by inode number

struct Likeness {
  std::set<std::uint64_t> proven;  // numbers of those whose names in staging may go (change/leftovers.h)
  bool in_doubt = false;           // a marked inode is unprotected, and like none of them: none is proven
};

// Walks the guests, all on the filesystem of staging. A marked inode that is found unprotected, and like one of the
// unknown, is protected again. Whatever is written to, leased, or cannot be read now is like nothing.
Likeness prove_by_likeness(const UnknownInodes& unknown, int staging, const std::vector<const Guest*>& guests);

}  // namespace vunify
