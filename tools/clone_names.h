// SPDX-License-Identifier: Apache-2.0
// Who is cloned, and to where, as the two words of vclone say it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/new_guest.h"

namespace vunify {

struct CloneNames {
  std::string root;                // of the guest
  std::optional<HostGuest> known;  // where the host's configuration tells of it
  NewGuest fresh;
  std::string name;  // of the new guest in its provider's configuration; empty: none is written

  // Of the new guest's tree.
  std::string fresh_root() const { return fresh.inside.empty() ? fresh.path : fresh.path + "/" + fresh.inside; }
};

// guest, fresh: names, or directories with a slash; config: where guests are configured. Throws Failed{usage} for a
// guest that nobody knows, and Failed{refused} where the new one cannot have its name.
CloneNames find_clone_names(const std::string& guest, const std::string& fresh, const std::string& config);

}  // namespace vunify
