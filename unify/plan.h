// SPDX-License-Identifier: Apache-2.0
// The decision: given files shown to be equal, which inode stays and which names are led to it. Pure: values in, values
// out, nothing is opened and nothing changed. A dry run prints this plan, a real run applies it.
//
//   keeper   the inode that stays. Shared inodes are keepers before private ones: most of the work was done. Of either
//            those of the guests that others named as their refservers come first.
//   rank     files that were separate inside a guest stay separate, so a keeper takes at most one name of each guest:
//            the first keeper takes each guest's first copy, the second its second.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "guest/guest_rules.h"
#include "sys/inode.h"
#include "sys/link_limit.h"

namespace vunify {

// One inode of a proven class.
struct Copy {
  std::vector<std::uint32_t> guests{};  // of each of its names, in name order
  bool shared = false;                  // marked
  bool complete = false;                // all its names are known, each in another guest: it may be given up
  std::uint32_t nlink = 0;
  Timestamp mtime{};
  std::uint32_t refserver = no_refserver;  // the lower, the sooner it is the keeper: one of its guests is so named
};

// All names of the victims are to lead to the keeper. Both are indices into the copies planned for.
struct LinkSet {
  std::size_t keeper = 0;
  std::vector<std::size_t> victims;
};

struct LinkPlan {
  std::vector<LinkSet> sets;       // those with victims
  std::vector<std::size_t> alone;  // private copies for which no other guest has a counterpart
};

struct PlanRules {
  std::uint32_t link_limit = no_link_limit;  // names an inode may have
  bool oldest = false;  // mtimes differ (--ignore-mtime): of private copies the oldest is the keeper, or a refserver's
};

LinkPlan plan_links(const std::vector<Copy>& copies, const PlanRules& rules);

}  // namespace vunify
