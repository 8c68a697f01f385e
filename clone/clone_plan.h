// SPDX-License-Identifier: Apache-2.0
// What is done with each name of a guest that is cloned. Decided by what the walk sees, alike for a dry run.
#pragma once

#include <string_view>

#include "clone/identity.h"
#include "guest/exclude.h"
#include "guest/guest.h"
#include "guest/protection.h"
#include "packages/packages.h"
#include "sys/guard.h"
#include "sys/inode.h"
#include "sys/walk.h"

namespace vunify {

enum class Way {
  link,   // the inode is shared already: it gets one name more
  share,  // it is this guest's alone: it becomes shared, and gets one name more
  copy,   // an inode of its own, whose data is shared where the filesystem can
  empty,  // the same without data
  omit,   // nothing
};

struct ClonePlan {
  const Guest* guest = nullptr;
  ExcludeList exclude{};
  Conffiles conffiles{};
  bool may_link = true;                      // names can be linked from the guest to the clone
  Protection protection = Protection::none;  // under which private files are shared; none, reflink: they are not
  GuardedInodes guarded = GuardedInodes::now();
};

// The guest's path from its root, beginning with "/": no link leads from it, or from anything beneath it, to the clone.
// What a package manager writes in place, or takes for configuration; and what the guest's excludes say.
bool is_apart(const ClonePlan& plan, std::string_view path);

// Of a name that is no directory. dir: the guest's directory it is in; inode: all that the kernel says of it.
Way way_of(const ClonePlan& plan, const IdentityRule* rule, int dir, const Entry& entry, const Inode& inode);

}  // namespace vunify
