// SPDX-License-Identifier: Apache-2.0
#include "sys/link_limit.h"

namespace vunify {

std::uint32_t link_limit(std::string_view fs_type) {
  if (fs_type == "ext4") return 65000 - 1;
  if (fs_type == "btrfs") return 65535 - 1;
  return no_link_limit;
}

}  // namespace vunify
