// SPDX-License-Identifier: Apache-2.0
// A filesystem as it was used at one time: what was measured of its holders, and what df(1) says beside it.
#pragma once

#include "account/measure.h"
#include "account/sample.h"

namespace vunify {

// Of what measure() told a moment ago. Holders have no keys yet.
Sample take_sample(const HeldFilesystem& held, const Measured& measured);

// What df counts and no holder has: what is deleted but open, metadata, journal, waste. Below zero where somebody
// wrote meanwhile.
std::int64_t unattributed(const Sample& sample);
Usage sum_of(const std::vector<HolderSample>& holders);

}  // namespace vunify
