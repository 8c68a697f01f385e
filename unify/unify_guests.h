// SPDX-License-Identifier: Apache-2.0
// The whole flow (DESIGN.md 4): what the walk finds in the guests is told apart, proven, planned, and made one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "guest/exclude.h"
#include "guest/guest.h"
#include "unify/file_end.h"
#include "unify/outcome.h"
#include "unify/place.h"
#include "unify/run.h"
#include "unify/tally.h"

namespace vunify {

// Takes away the groups that nobody asks about.
using Narrow = std::function<void(Candidates&)>;

// What of the guests is asked for.
struct UnifyRequest {
  std::uint64_t min_size = 1;  // in bytes; smaller files are left alone
  Narrow narrow{};             // where there is one, the files of groups that it takes away are not_asked
  TellFile tell{};             // where there is one, called for every file, at the end
};

// Walks the guests, unifies them by their rules, and says in outcome what was done. The refusal is returned where no
// guest has any protection, or none can be found out, or /proc/locks cannot be read: then nothing has changed. A run
// that loses its index (disk full) goes on without; run.index is absent then.
std::optional<Refusal> unify_guests(const std::vector<Guest>& guests, const UnifyRequest& request, Run& run,
                                    Outcome& outcome);

// Where /proc/locks cannot be read: who locks which file has to be known.
std::optional<Refusal> check_locks();

// Of this, what comes between the walk and the report: every file of trees gets its verdict.
Tally unify_files(const std::vector<Guest>& guests, const Places& places, Trees& trees, const Run& run,
                  Outcome& outcome, const Narrow& narrow = {});

}  // namespace vunify
