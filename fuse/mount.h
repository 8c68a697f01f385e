// SPDX-License-Identifier: Apache-2.0
// A guest mounted with vcow: from here on its tree is seen through the mount, and what it writes to is its own.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace vunify {

struct MountRequest {
  std::string dir;      // the guest, as guest/adopted.h finds it
  std::string point{};  // where it is mounted; empty: where the guest is seen
  bool passthrough = true;
  unsigned long flags = 0;             // of mount(2): MS_NOSUID and the like
  std::vector<std::string> native{};   // what of the guest is shown natively (fuse/islands)
  std::optional<std::uint32_t> xid{};  // whose limits hold, by the ledger; none: it has none
  std::string state_dir{};             // where that is
  std::string program{}, version{};    // this one's path
  std::vector<std::string> words{};    // of its command line, by which another program has the same request
  int memory = -1;                     // what such another one has left: its number; -1: nothing is mounted yet
};

// Throws std::system_error naming what will not do, and then nothing is mounted: EBUSY where another vcow serves
// the guest. ready() is called once it is mounted; returns when it is unmounted again. A dead mount on the point, whose
// daemon is gone, is taken away first. SIGTERM and SIGINT unmount lazily: who has files open keeps them; but while
// somebody uses an island they do nothing. SIGUSR2: its program as it lies at its path then takes the place of this
// one, with all that is open, and the memory of what the kernel knows. One call a process, from its only thread.
void serve_guest(const MountRequest& request, const std::function<void()>& ready);

}  // namespace vunify
