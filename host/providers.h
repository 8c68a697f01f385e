// SPDX-License-Identifier: Apache-2.0
// Every guest of this host, whoever runs it.
#pragma once

#include <string>
#include <vector>

#include "host/host_guest.h"

namespace vunify {

// In the order of the providers' names here: of guests with one root the first counts, and knows of the others.
inline const std::vector<std::string> provider_names = {"vserver",     "nspawn", "lxc", "schroot",
                                                        "libvirt-lxc", "incus",  "lxd", "podman"};

// providers: which to ask; empty: those that config's .defaults/apps/vunify/providers names, or all. config:
// "/etc/vservers", or what --config says. A root that is missing, no directory, `/`, inside another's, ... is a
// mistake. Throws where config is there and cannot be read.
HostGuests host_guests(const std::string& config, const std::vector<std::string>& providers);

// Who runs now, told without asking a guest: a process has its root there, or somebody mounted it elsewhere. One pass
// over /proc for all of them. roots: of their trees, on the host.
std::vector<bool> who_runs(const std::vector<std::string>& roots);

}  // namespace vunify
