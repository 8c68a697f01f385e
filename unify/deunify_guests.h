// SPDX-License-Identifier: Apache-2.0
// Takes unification back: every file of these guests that is shared becomes private again.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "guest/guest.h"
#include "unify/file_end.h"
#include "unify/outcome.h"
#include "unify/run.h"

namespace vunify {

struct DeunifyRequest {
  std::function<void()> begin{};  // called once nothing stands against it, before anything is changed; not in a dry run
  TellFile tell{};                // where there is one, called for each name of what was shared
};

// Walks the guests with no excludes, so that nothing shared is forgotten, and breaks every name off an inode that has
// names outside its guest, whether a run shared it or not.
// The space is checked first: where the copies would not fit, or no staging directory can be had, the refusal is
// returned and nothing has changed. What begin throws ends it there.
std::optional<Refusal> deunify_guests(const std::vector<Guest>& guests, const DeunifyRequest& request, const Run& run,
                                      Outcome& outcome);

}  // namespace vunify
