// SPDX-License-Identifier: Apache-2.0
// What fstab(5) says of guests that are mounted by vcow.
#pragma once

#include <string>
#include <vector>

namespace vunify {

struct FstabLine {
  std::string source, point;         // the guest, and where it is seen; without a slash at the end
  std::vector<std::string> options;  // for vcow: what is mount(8)'s or systemd's own is not among them
  bool is_at_boot = true;            // not so by noauto
};

// Lines of type fuse.vcow, in their order; none where the file is not there. Throws std::system_error where it cannot
// be read.
std::vector<FstabLine> vcow_lines(const std::string& fstab);

}  // namespace vunify
