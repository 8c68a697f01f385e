// SPDX-License-Identifier: Apache-2.0
#include "tools/data_place.h"

#include <fcntl.h>

#include "sys/clone.h"
#include "sys/fd.h"

namespace vunify {

std::optional<std::uint64_t> data_place(const RootDir& root, const std::string& path) {
  try {
    const Fd file = root.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME);
    const auto extents = extents_of(file.get());
    if (extents.empty() || extents[0].in_metadata || extents[0].delayed) return std::nullopt;
    return extents[0].physical;
  } catch (const std::system_error&) {
    return std::nullopt;
  }
}

}  // namespace vunify
