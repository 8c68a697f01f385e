// SPDX-License-Identifier: Apache-2.0
// What all stages of one run share: how it is to be done, what is known from earlier ones, when to stop.
#pragma once

#include <cstddef>
#include <string>

#include "hashindex/index.h"
#include "survey/counters.h"
#include "sys/stop.h"
#include "unify/linked_names.h"

namespace vunify {

// Outlived by all it refers to.
struct Run {
  const Stop& stop;
  Counters& counters;
  bool dry_run = false;   // plan only: no leases, no staging, nothing is changed
  bool mtime = true;      // false: mtimes may differ, the oldest file of a class is kept
  bool one_group = true;  // all guests of this host are of it: what the index knows of others may be shared with them
  bool fresh = true;      // keepers are fresh copies (change/fresh_copy.h); false: the guests are known to be stopped
  unsigned jobs = 1;
  std::size_t open_files = 1024;  // descriptors that all workers together may hold
  std::string state_dir{};        // for the journals; exists where it is no dry run
  Index* index = nullptr;         // asked where there is one; told where this is no dry run
  LinkedNames* linked = nullptr;  // told where there is one

  bool learns() const { return index != nullptr && !dry_run; }
  DigestKey key() const { return index != nullptr ? index->key() : DigestKey(); }
  Knowledge look_up(const Survey& survey, bool by_layout) const {
    return index != nullptr ? index->look_up(survey, by_layout) : Knowledge();
  }
};

}  // namespace vunify
