// SPDX-License-Identifier: Apache-2.0
// What vclone says of a clone that is made, or would be: each name that is not simply linked or copied, and the sums.
#pragma once

#include <string>

#include "clone/clone_tree.h"

namespace vunify {

struct CloneReport {
  std::string guest;  // the paths of the two, as an admin knows them
  std::string fresh;
  bool dry_run = false;
  const Cloned& cloned;
};

// Lines, safe for a terminal; one JSON object.
std::string clone_text(const CloneReport& report);
std::string clone_json(const CloneReport& report);

}  // namespace vunify
