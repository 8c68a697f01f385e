// SPDX-License-Identifier: Apache-2.0
// vplan record: what is used now, kept as today's sample of each filesystem that guests are on.
#pragma once

#include "tools/cli.h"
#include "tools/plan.h"

namespace vunify {

// Holds the state's lock all the while, so that no run moves what is measured. Throws Failed{locked} where one is at
// work. Nothing is kept where it is interrupted; what could not be read is complained of, and partial.
Exit record_usage(const PlanOptions& options);

}  // namespace vunify
