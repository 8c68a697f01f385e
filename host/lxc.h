// SPDX-License-Identifier: Apache-2.0
// The containers of LXC: LXCPATH/NAME/config, where LXCPATH is /var/lib/lxc, or what /etc/lxc/lxc.conf says. Snapshots
// (NAME/snaps) are no guests.
#pragma once

#include <string>

#include "host/told.h"

namespace vunify {

// host: what stands before /etc, /var and users' homes, where that is not the host itself. Containers in the home of a
// user are told as "USER/NAME": what that user wrote of them is not read, and nothing of them is unified.
Told lxc_guests(const std::string& host = {});

}  // namespace vunify
