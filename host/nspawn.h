// SPDX-License-Identifier: Apache-2.0
// The machines of systemd-nspawn (machinectl): /var/lib/machines/NAME, and what NAME.nspawn says of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/told.h"

namespace vunify {

// What a .nspawn file (systemd.nspawn(5)) says that matters to who shares files.
struct NspawnSettings {
  std::optional<std::uint32_t> owner{};  // whom root is mapped to: PrivateUsers=FIRST:COUNT
  bool is_mapped = true;                 // not so by PrivateUsers=no and identity; systemd-nspawn@.service has -U
  bool changes_owners = false;           // PrivateUsersOwnership=chown: the tree's owners, when it starts
  bool is_overlay = false;               // Volatile=overlay: the tree is the layer below
};
NspawnSettings read_nspawn_settings(std::string_view text);

// host: what stands before /var, /etc and /run, where that is not the host itself. A name that begins with a dot is a
// machine in the making, or a snapshot that goes with its process.
Told nspawn_guests(const std::string& host = {});

}  // namespace vunify
