// SPDX-License-Identifier: Apache-2.0
// vcow status: what each vcow that serves tells of itself, beside what it has noted (tools/vcow_shown).
//
//     vcow_status                gathers a MountStatus of each, and prints them
//     mount_status_text          for people (vcow_status_text.cc)
//     mount_status_json          for programs (vcow_status_json.cc), whose keys are told in vcow(8)
//     mount_status_prometheus    for Prometheus (vcow_status_prometheus.cc)
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fuse/status.h"
#include "guest/mounted.h"
#include "sys/process_use.h"

namespace vunify {

struct MountStatus {
  Mounted noted;
  std::string guest{};  // what this host's configuration calls it; else its root, or the mount point of a dead one
  std::optional<ProcessUse> use{};
  std::optional<Serving> serving{};  // as the process answered
  std::string silent{};              // or why it did not
};

// What neither of the first breakers has done.
Heavy others_of(const Mounted& noted, const std::vector<Heavy>& first);

std::string mount_status_text(const std::vector<MountStatus>& all);
std::string mount_status_json(const std::vector<MountStatus>& all);        // an array on one line
std::string mount_status_prometheus(const std::vector<MountStatus>& all);  // without what guests call files or programs

}  // namespace vunify
