// SPDX-License-Identifier: Apache-2.0
// The containers of libvirt: /etc/libvirt/lxc/NAME.xml, whose root is the filesystem that is mounted at "/".
#pragma once

#include <string>
#include <string_view>

#include "host/told.h"

namespace vunify {

// Throws Misconfigured where the text is no domain of type lxc. No entity is expanded, and nothing else is read.
ToldGuest read_libvirt_domain(std::string_view text, const std::string& file);

// host: what stands before /etc, where that is not the host itself.
Told libvirt_lxc_guests(const std::string& host = {});

}  // namespace vunify
