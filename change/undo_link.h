// SPDX-License-Identifier: Apache-2.0
// An exchange of an interrupted run, undone. Nobody has held leases since, and what stat(2) tells of a file its guest
// can set, mtime too: nothing but the bytes themselves says whether what came out of a guest is what its name shows.
//
//   the name leads to what we put there    what came out goes back
//   to something else, or is gone          what came out goes only where the keeper, to which another name of the guest
//                                          may lead, was compared with it and is the same
//   the keeper is not what came out        somebody wrote to it, nobody knows through whose name. What came out goes
//                                          back to whichever names of its guest lead to the keeper now, and what they
//                                          showed is kept beside it
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "change/journal.h"
#include "sys/fd.h"
#include "sys/lease.h"
#include "sys/link.h"

namespace vunify {

inline constexpr std::string_view newer_suffix = ".newer";  // of a staged leaf: what its name showed, kept

// Of one journalled set. Whoever calls has lifted the keeper's protection.
class LinkUndo {
 public:
  enum class End {
    done,      // staging holds nothing of it any more
    unproven,  // what came out stays in staging: the name is not found, and no keeper shows what it holds
    restless,  // what came out stays in staging: the guest keeps changing the name
    newer,     // done, but what the name showed is kept: the journalled leaf and newer_suffix
  };

  // keeper: open, or -1 where the inode is gone; set and keeper outlive this.
  LinkUndo(const JournaledSet& set, int keeper);

  // staged holds what came out of the guest's name. Throws where the guest's tree, or staging, cannot be read or
  // changed; then the next start has all it needs to go on.
  End undo(const StagedName& staged, const JournaledName& name);
  // Once the keeper is protected again: who asked to write to it meanwhile, and waits, looks its name up again.
  void let_go();

 private:
  End put_back_everywhere(const StagedName& staged, const JournaledName& name, const Fd& victim);
  bool is_as_journalled() const;
  bool holds_what(int victim) const;
  void keep_newer(const StagedName& staged) const;

  const JournaledSet& set_;
  int keeper_;
  std::optional<Lease> lease_;  // who wants to write to the keeper waits until its names are where they belong
};

}  // namespace vunify
