// SPDX-License-Identifier: Apache-2.0
// One keeper and the names that are led to it.
//
//   prepare   one more name of the keeper in staging for each name, while nobody can see them
//   exchange  all of them, back to back; from here until the keeper is protected two guests could write to one inode,
//             and only the leases stand before that
//   protect   at once
//   check     keeper and victims are still what was proven: leases held, metadata as planned, no further links.
//             Whatever is not is exchanged back before its lease is dropped, so that a writer who waits in open() finds
//             his file at its name.
//
// What came out of the guests stays in staging, leased, until finish(): a process that had looked the name up before
// the exchange may still open it for writing. The keeper's lease is held as long: a writer who passed the kernel's
// permission check before the protection was there comes to the lease a little later, and writes through it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hashindex/prove.h"
#include "sys/link.h"
#include "unify/protection.h"

namespace vunify {

struct GuestName {
  NameRef ref;
  const RootDir* root = nullptr;
  std::string path;
};

// An inode that is to be given up, with all its names.
struct Victim {
  Held held;
  std::vector<GuestName> names;
  std::vector<StagedName> staged;     // one for each name; Batch gives them
  bool was_shared = false;            // it is marked and protected: two keepers become one
  Verdict verdict = Verdict::shared;  // what became of it; shared: its names lead to the keeper
  std::string reason;                 // of the kernel, where it is unreadable
};

struct LinkTask {
  Held keeper;
  FileId keeper_id;
  GuestName keeper_name;  // one of its names, for the journal; without a path where none is known
  bool was_shared = false;
  Protection protection = Protection::none;
  std::vector<Victim> victims;

  bool disk_full = false;         // ENOSPC or EDQUOT stopped it
  std::uint64_t grown_bytes = 0;  // by which the mark made the keeper larger
  std::vector<std::string> kept;  // what is left in staging because it is nobody's known file
};

// Leads the names of all victims to the keeper. What happened to one of them its verdict says: with another one than
// shared it is where it was. Throws only where the keeper itself cannot be protected or looked at (EIO); the journal
// then has it, and the next start undoes it. Afterwards the keeper is protected, or, where nothing at all was linked
// and it was private before, as it was.
void link_over(LinkTask& task);

// What finish() gave back.
struct Finished {
  std::uint64_t freed_when_closed = 0;  // bytes of removed inodes that somebody still holds open
};

// Looks at each linked victim once more and removes it from staging; one that somebody wants to write to goes back to
// its name, and all of them do where somebody wants to write to the keeper. Then the leases are dropped.
Finished finish(LinkTask& task);

}  // namespace vunify
