// SPDX-License-Identifier: Apache-2.0
// A path of the command line that may lead into a guest's tree, where every symlink is the guest's.
#pragma once

#include <string>

#include "host/host_guest.h"
#include "sys/fd.h"
#include "tools/tree.h"

namespace vunify {

struct Operand {
  std::string named;
  std::string path;  // on the host, without symlinks but for the last component
  Fd fd;             // O_PATH

  // Of what was found beneath it.
  std::string path_of(const Found& found) const;
};

// The last component is never followed. Beneath a guest's root no symlink is: throws ELOOP there, EXDEV at a mount.
Operand open_operand(const std::string& named, const HostGuests& host);

}  // namespace vunify
