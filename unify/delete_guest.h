// SPDX-License-Identifier: Apache-2.0
// Deletes a guest, where rm -rf is refused and private copies have no room: its own files go first, which frees, then
// its names of what it shares.
#pragma once

#include <optional>
#include <vector>

#include "guest/guest.h"
#include "unify/outcome.h"
#include "unify/run.h"

namespace vunify {

// guests: the one. The refusal is returned, and nothing has changed, where a process lives in it, or something is
// mounted in it. Interrupted, it goes on when it is called again. What others share with it stays
// theirs, and protected; of what one other has left, mark and protection are taken off.
std::optional<Refusal> delete_guest(const std::vector<Guest>& guests, const Run& run, Outcome& outcome);

}  // namespace vunify
