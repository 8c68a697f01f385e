// SPDX-License-Identifier: Apache-2.0
// Whom a command line means: guests of this host by their names, or directories.
#pragma once

#include <string>
#include <vector>

#include "guest/guest.h"
#include "host/host_guest.h"
#include "tools/options.h"
#include "unify/outcome.h"

namespace vunify {

struct Choice {
  std::vector<GuestRoot> roots;
  HostGuests host;  // all of this host, where names were asked for
  // Guests that are skipped: their configuration is wrong, or nothing of them can be unified.
  std::vector<Failure> failed;
  bool one_group = true;  // as Run has it
};

// A word with a slash is a directory, of which no configuration is read; any other is a name. What the command line
// says of excludes and protection comes before what a guest's configuration says. Of guests that are named to be
// unified, the refservers that are not off come along, as references. Throws Failed{usage} for a name that no guest
// has, and where no guest is left, or one alone that no earlier run can have keepers for; a host without any has none.
Choice choose_guests(const Options& options);

// All that the host's configuration tells of. Throws Failed{usage} where it cannot be read at all.
HostGuests find_host_guests(const Options& options);
// Likewise, by the providers that the configuration names.
HostGuests find_host_guests(const std::string& config);

// Of every guest of which something can be unified, off or not, by its rules.
std::vector<GuestRoot> roots_of_all(const Options& options, const HostGuests& host);

// "FILE:LINE"
std::string place_of(const Mistake& mistake);

// A guest as it is told of; and its tree, which of an adopted one lies elsewhere. Throws where it cannot be opened.
const std::string& name_of(const GuestRoot& root);
RootDir open_tree(const GuestRoot& root, const std::vector<Mount>& mounts);

}  // namespace vunify
