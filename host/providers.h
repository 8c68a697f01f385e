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

// providers: which to ask; empty: those that config's .defaults/apps/vunify/providers names, one a line, or all where
// there is no such file. config: "/etc/vservers", or what --config says. In the order of the guests' names. A root that
// is missing, no directory, `/`, inside another's, ... is a mistake (host/check_roots.h), and so is what keeps a
// provider from being asked: the others are. Who is no vserver follows the default rules (host/unify_config.h). Throws
// where config is there and cannot be read. host: what stands before /etc and /var, where that is not the host itself.
HostGuests host_guests(const std::string& config, const std::vector<std::string>& providers,
                       const std::string& host = {});

}  // namespace vunify
