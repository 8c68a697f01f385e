// SPDX-License-Identifier: Apache-2.0
// vdu --check-tags GUEST: what in its tree carries a number that it should not.
#pragma once

#include <string>

#include "sys/stop.h"
#include "tools/cli.h"

namespace vunify {

// Prints a line for each, "NUMBER  PATH  REASON". In the caller's tbb::task_arena. Exit::partial where there is any, or
// where not all could be read. Throws Failed{usage} for a name that no guest has, std::system_error where its tree
// cannot be opened.
Exit check_tags(const std::string& guest, const std::string& config, const std::string& state_dir, const Stop& stop);

}  // namespace vunify
