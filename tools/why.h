// SPDX-License-Identifier: Apache-2.0
// vunify --why DIR PATH: with whom a file is shared, or the one reason why it is not.
#pragma once

#include "tools/cli.h"
#include "tools/options.h"

namespace vunify {

// Goes the way of a dry run for this one file. The other guests are those given, or those of the last report.
Exit tell_why(const Options& options);

}  // namespace vunify
