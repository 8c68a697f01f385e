// SPDX-License-Identifier: Apache-2.0
// `--all` of vcow mount and vcow umount: the same verb for each guest that is vcow's (tools/vcow_guests), by a process
// of its own, a few at a time. None that fails or hangs holds up another. What is so already is left as it is. Each
// guest has its line, as soon as it is known; of those that failed on standard error.
//
// Returns Exit::partial where some failed, or the configuration is wrong in parts; Exit::refused where all did.
#pragma once

#include <string>
#include <vector>

#include "tools/run_tool.h"

namespace vunify {

struct AllGuests {
  std::string config;              // where this host's guests are configured
  std::string fstab;               // whose options they are mounted with
  std::vector<std::string> words;  // of the command line, that the verb is given for each
};

// Throw Failed, and std::system_error, before the first.
Exit mount_all(const AllGuests& all);
Exit umount_all(const AllGuests& all);

}  // namespace vunify
