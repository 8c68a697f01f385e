// SPDX-License-Identifier: Apache-2.0
// The numbers of guests whose configuration gives them none: util-vserver's way, from 40000 up, kept in the state.
// A number belongs to one root (host/root_key.h) for good: it is given to no other, also not when that root is gone
// and a guest of the same name is made. Static ones of the configuration are not given out either, nor were they once
// seen; nor what `vserver build` gave out by .defaults/context.next.
#pragma once

#include <cstdint>
#include <string>

#include "guest/state_dir.h"
#include "host/host_guest.h"

namespace vunify {

inline constexpr std::uint32_t first_own_xid = 40000;
inline constexpr std::uint32_t last_own_xid = 65535;  // 16 bits, in a Linux-VServer kernel. Nobody has one after that

// Gives one to each guest that has a root and none: the number it had before, or a new one. A guest whose static one
// was given to another root is a mistake. A number is on disk before it is told: killed, or where this throws for a
// full disk, nothing is given that another would get again. Throws std::runtime_error where what is kept is damaged.
// state: locked by the caller. config: as host_guests() has it.
void give_xids(const StateDir& state, const std::string& config, HostGuests& hosts);

// Writes nothing: each gets the one that it has.
void show_xids(const std::string& state_dir, HostGuests& hosts);

}  // namespace vunify
