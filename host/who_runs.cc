// SPDX-License-Identifier: Apache-2.0
#include "host/who_runs.h"

#include <algorithm>

#include "guest/adopted.h"
#include "guest/mounted.h"
#include "sys/process_roots.h"

namespace vunify {
namespace {

// Wherever the guest's root may be come by.
std::vector<std::string> doors_of(const GuestPlace& place, const std::vector<Mounted>& vcows) {
  std::vector<std::string> doors{place.path};
  if (place.is_adopted()) doors.push_back(place.root);
  for (const auto& vcow : vcows)
    if (vcow.path == place.path && vcow.mount_point != place.path) doors.push_back(vcow.mount_point);
  return doors;
}

}  // namespace

std::vector<bool> who_runs(const std::vector<std::string>& roots) {
  const ProcessRoots processes;
  const auto mounts = read_mounts();
  const auto vcows = list_mounted();
  const auto is_in_use = [&](const std::string& door) {
    return !processes.processes_in(door).empty() || processes.is_mounted_elsewhere(door);
  };
  std::vector<bool> run;
  for (const auto& root : roots) {
    try {
      run.push_back(std::ranges::any_of(doors_of(find_guest(root, mounts), vcows), is_in_use));
    } catch (const std::system_error&) {  // it is not there
      run.push_back(false);
    }
  }
  return run;
}

}  // namespace vunify
