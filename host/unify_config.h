// SPDX-License-Identifier: Apache-2.0
// apps/vunify: by which rules a guest is unified. Each file of it is looked for in the guest's own directory first,
// then in CONFIG/.defaults/apps/vunify; it replaces what stands behind it, and nothing is merged.
//
//     exclude         what is never shared (guest/exclude.h); where neither has one, the shipped list
//     protect         one word of guest/protection.h
//     group           one word: guests share only inside one group
//     refserver.*     in alphabetical order: symlinks to the directories of guests in CONFIG, or files with a name each
//     pkgmgmt-ignore, pkgmgmt-force    empty files. Guest's ignore, guest's force, default's ignore, default's force:
//                     the first that is there decides; where none is, the package manager is asked
//     hash/           a guest with a hash store of its own was apart from all others: where it has no group, its store
//                     is its group. Nothing is ever written there.
#pragma once

#include <string>

#include "host/host_guest.h"

namespace vunify {

// own: the guest's directory apps/vunify, which need not be there; empty: it cannot have one. Throws Misconfigured.
UnifyConfig read_unify_config(const std::string& config, const std::string& own);

// What a guest is called whose directory in CONFIG this is: as its file `name` says, or as the directory is.
std::string name_of_vserver(const std::string& directory);

}  // namespace vunify
