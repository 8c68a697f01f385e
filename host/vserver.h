// SPDX-License-Identifier: Apache-2.0
// The guests of util-vserver: /etc/vservers/NAME/{vdir,context,...}, and the old NAME.conf.
#pragma once

#include <string>

#include "host/host_guest.h"

namespace vunify {

// config: "/etc/vservers", or what --config says. Throws where it cannot be read; where it is not there, it has none.
HostGuests vserver_guests(const std::string& config);

}  // namespace vunify
