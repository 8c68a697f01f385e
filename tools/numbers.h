// SPDX-License-Identifier: Apache-2.0
// Guests by their numbers, as util-vserver's small tools tell and take them.
#pragma once

#include <cstdint>
#include <string>

#include "host/host_guest.h"

namespace vunify {

// The guests of this host, each with the number it has; none is given one. Throws Failed{refused} for who may not read
// which ones vunify gave, Failed{usage} where the configuration cannot be read, std::runtime_error where what is kept
// of numbers is damaged.
HostGuests find_numbered_guests(const std::string& config, const std::string& state_dir);

// A number, a guest's name, ":NAME", or "self", the host. Throws Failed{usage} where no guest has that name, or a
// number.
std::uint32_t xid_of(const std::string& word, const HostGuests& host);

// In whose tree the path lies, be the guest adopted or not; nullptr: it is the host's. path: without symlinks.
const HostGuest* guest_at(const std::string& path, const HostGuests& host);

// The name of the guest that has the number; the number where none has.
std::string name_of(std::uint32_t xid, const HostGuests& host);

}  // namespace vunify
