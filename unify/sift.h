// SPDX-License-Identifier: Apache-2.0
// Which members of a group have to be opened, given what is known of them. The plan is made as if that were right; only
// what the plan would link is opened, proven, and planned again.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hashindex/knowledge.h"
#include "unify/plan.h"
#include "unify/prove.h"

namespace vunify {

// An inode as the walk saw it.
Copy copy_of(const Survey& survey, std::uint32_t inode);

// True where the contents that are known are several: which of them an unknown member has, only its digest can tell.
bool must_learn(std::span<const Known> known);

struct Sifted {
  std::vector<std::vector<std::uint32_t>> parts;  // to be proven, each by itself; keepers first
  std::vector<LeftAlone> left;                    // the verdict is clear without a look
};

// members[i] is known as known[i]. What is not known is taken for equal to the one content that is.
Sifted sift(const Survey& survey, std::span<const std::uint32_t> members, std::span<const Known> known,
            const PlanRules& rules);

}  // namespace vunify
