// SPDX-License-Identifier: Apache-2.0
// vunify --why GUEST PATH: with whom a file is shared, or the one reason why it is not.
#pragma once

#include "tools/choose.h"
#include "tools/cli.h"
#include "tools/options.h"

namespace vunify {

// Goes the way of a dry run for this one file, of the first guest chosen. The others are those given, or, of one that
// was given as a directory, those of the last report.
Exit tell_why(const Options& options, const Choice& choice);

}  // namespace vunify
