// SPDX-License-Identifier: Apache-2.0
// Inodes whose state does not fit their names, put right: shared but unprotected ones are protected (clones made with
// cp -al, restored backups, marks whose protection was taken off) or, where data is shared instead of inodes, given
// copies; the second name of a shared inode in one guest gets an inode of its own; a last name is its guest's again.
#pragma once

#include <vector>

#include "hashindex/index.h"
#include "survey/candidates.h"
#include "unify/break_links.h"
#include "unify/outcome.h"
#include "unify/place.h"

namespace vunify {

// What these functions look at and change. state_dir exists where it is no dry run.
struct Settling {
  const std::vector<Guest>& guests;
  Scan& scan;
  Candidates& candidates;
  const std::vector<Place>& places;
  const std::vector<std::uint32_t>& place_of;
  bool dry_run = false;
  std::string state_dir;
  Index* index = nullptr;  // told what becomes private, where this is no dry run
};

// Before links are made. An inode that is being written to stays what it is: Verdict::shared_unprotected.
void adopt_unprotected(const Settling& settling, Outcome& outcome);
void separate_doubles(const Settling& settling, Outcome& outcome);

// After links were made: shared inodes that have one name, still, lose mark and protection.
void unmark_last_names(const Settling& settling, Outcome& outcome);

}  // namespace vunify
