// SPDX-License-Identifier: Apache-2.0
// A name of a guest is held before it is led elsewhere, where a vcow shows that guest (guest/live_guest).
#pragma once

#include <cstdint>

#include "guest/guest_name.h"
#include "guest/live_guest.h"
#include "sys/root_dir.h"

namespace vunify {

using Hold = LiveGuest::Hold;

// Until it goes. Of a guest that no vcow shows it is held at once, for good. name: the same, opened; ino: what it leads
// to.
Hold hold_live(const GuestName& guest_name, const Name& name, std::uint64_t ino);
// The same of whatever it leads to now; at once where it is not there.
Hold hold_as_it_is(const LiveGuest& live, const std::string& root, const std::string& path);

}  // namespace vunify
