// SPDX-License-Identifier: Apache-2.0
// The guests that one configuration of util-vserver tells of, as far as each can be told without the others.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "host/host_guest.h"
#include "host/way.h"

namespace vunify {

struct FoundVserver {
  // leaf: of what tells of it, without ".conf".
  FoundVserver(const std::string& leaf, const std::string& file);

  HostGuest guest;
  std::string known_by;           // what util-vserver's commands call it
  std::set<std::string> through;  // directories on the way to its root and to its configuration
};

struct FoundVservers {
  std::vector<FoundVserver> found;  // in the order of the names
  std::vector<Mistake> mistakes;    // of those that are not among them
};

// Throws where config cannot be read; where it is not there, it has none.
FoundVservers find_vservers(const std::string& config);

// follow() for what file tells of. Throws Misconfigured where it leads nowhere.
Followed follow_config(const std::string& path, const std::string& file);

}  // namespace vunify
