// SPDX-License-Identifier: Apache-2.0
// Which of this host's guests are vcow's: what `--all` of its verbs means. Those that were adopted, for they do not
// start otherwise, and those that fstab(5) mounts with vcow. Whether vunify may work on one does not matter.
#pragma once

#include <string>
#include <vector>

#include "host/host_guest.h"

namespace vunify {

struct VcowGuest {
  std::string name, path;              // path: as GuestPlace has it
  std::string passed_over{};           // why it is not mounted at boot; empty: it is
  std::string point{};                 // where, if not over itself
  std::vector<std::string> options{};  // with these
  std::vector<std::string> points{};   // where a vcow of it is mounted now, be it dead
  bool is_shown = false;               // by one that is alive
};

// All guests that have a root. Told by what lies there and by tables: no vcow is asked. fstab: the file. Throws
// std::system_error where that, or what vcows noted of themselves, cannot be read.
std::vector<VcowGuest> look_for_vcow(const HostGuests& host, const std::string& fstab);

}  // namespace vunify
