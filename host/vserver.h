// SPDX-License-Identifier: Apache-2.0
// The guests of util-vserver: /etc/vservers/NAME/{vdir,context,name,apps/vunify/}, and the old NAME.conf.
//
//     vdir        the root: a symlink to it or a directory; where it is missing, CONFIG/.defaults/vdirbase/NAME, and
//                 where there is no vdirbase, /vservers/NAME
//     context     the xid, 2 to 49151
//     name        what the guest is called, where that is not the directory's name: this it is known by as well
//     legacy      where there is this and no vdir, NAME.conf is what counts
//     NAME.conf   of S_CONTEXT only; the root is vdirbase/NAME. A directory NAME beside it comes first
//
// To vhashify a guest without apps/vunify was an error, not a way to be left out: here it is a guest like all others,
// by the default's rules (unify_config.h). Who kept a guest out by that writes `vunify -R NAME` once.
// A name that ends with "~" or ".tmp" (vserver build --force keeps what it replaces as NAME.~TIME~) is not complete.
#pragma once

#include <cstdint>
#include <string>

#include "host/host_guest.h"

namespace vunify {

// Static ones; the kernel gives out those above.
inline constexpr std::uint32_t least_context = 2, greatest_context = 49151;

// Where guests without a vdir lie.
std::string vdirbase_of(const std::string& config);

// config: "/etc/vservers", or what --config says. Throws where it cannot be read; where it is not there, it has none.
// In the order of the names. The tree belongs to the host's root, and only roots are looked for outside it: a guest
// is a mistake whose root, or configuration, is come by through another guest's tree, or whose root the configuration
// or the other roots lie in. Of two guests with one context or one name the second is the mistake.
HostGuests vserver_guests(const std::string& config);

}  // namespace vunify
