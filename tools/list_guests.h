// SPDX-License-Identifier: Apache-2.0
// vunify --list: gathers what is known of this host's guests, and prints it.
#pragma once

#include "tools/cli.h"
#include "tools/options.h"

namespace vunify {

// Changes nothing. What is wrong with a configuration is a line on stderr each, and Exit::partial.
Exit tell_guests(const Options& options);

}  // namespace vunify
