// SPDX-License-Identifier: Apache-2.0
// Names that are to get inodes of their own, broken off the one that they share.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "change/break_link.h"
#include "survey/survey.h"
#include "unify/place.h"
#include "unify/run.h"

namespace vunify {

struct Parting {
  BreakRequest request;
  std::span<const NameRef> names;
  std::uint64_t bytes = 0;  // on disk, of one copy
};

// By place: those of one go through its staging directory.
using Partings = std::map<std::uint32_t, std::vector<Parting>>;

// names: of one inode and one place, guest by guest; they outlive the parting. together: as in BreakRequest.
void add_parting(const Survey& survey, const Places& places, std::span<const NameRef> names, bool together,
                 Partings& partings);

// One result a parting; in a dry run, what is planned.
std::vector<BreakResult> part(const Place& place, const std::vector<Parting>& partings, const Run& run);

}  // namespace vunify
