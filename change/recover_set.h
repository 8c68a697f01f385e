// SPDX-License-Identifier: Apache-2.0
// One set of an interrupted batch, made whole again: what change/recover.h says of its names.
#pragma once

#include <optional>
#include <vector>

#include "change/hold_live.h"
#include "change/journal.h"
#include "change/live_guests.h"
#include "change/recover.h"
#include "guest/staging.h"
#include "sys/fd.h"

namespace vunify {

// Adds to recovery what it did and what it kept. Returns what the next start has to try again: one set has one catch,
// and what it fails with is told, too.
std::optional<JournaledSet> recover_set(const JournaledSet& set, const Staging& staging, LiveGuests& live,
                                        Recovery& recovery);

// Keepers that guests lease, opened: as long as they are held they cannot be leased again. Waits for all of them
// together, at most fs.lease-break-time.
std::vector<Fd> hold_leased_keepers(const std::vector<JournaledSet>& sets, int staging);

}  // namespace vunify
