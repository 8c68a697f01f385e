// SPDX-License-Identifier: Apache-2.0
// The containers of incus and of LXD, which it came from: storage-pools/POOL/containers/NAME/rootfs, beside it
// backup.yaml. A container of another project than the default one is named PROJECT_NAME. What a pool of another driver
// than "dir" and "btrfs" has is a volume each, which is not there while the container is stopped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/told.h"

namespace vunify {

// What backup.yaml says, whose lines its program writes.
struct IncusBackup {
  std::string driver{};     // of its pool; empty where that is not told
  std::uint32_t owner = 0;  // of what is root's, on disk: volatile.last_state.idmap
};
IncusBackup read_incus_backup(std::string_view text);

// host: what stands before /var, where that is not the host itself.
Told incus_guests(const std::string& host = {});
Told lxd_guests(const std::string& host = {});  // also where it is a snap

}  // namespace vunify
