// SPDX-License-Identifier: Apache-2.0
// Takes unification back: every file of these guests that is shared becomes private again.
#pragma once

#include <optional>
#include <vector>

#include "guest/guest.h"
#include "unify/file_end.h"
#include "unify/outcome.h"
#include "unify/run.h"

namespace vunify {

// Walks the guests with no excludes, so that nothing shared is forgotten, and breaks every name off an inode that has
// names outside its guest, whether a run shared it or not.
// The space is checked first: where the copies would not fit, or no staging directory can be had, the refusal is
// returned and nothing has changed. tell, where there is one, is called for each name of what was shared.
std::optional<Refusal> deunify_guests(const std::vector<Guest>& guests, const Run& run, Outcome& outcome,
                                      const TellFile& tell = {});

}  // namespace vunify
