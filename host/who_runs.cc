// SPDX-License-Identifier: Apache-2.0
#include "host/who_runs.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <sstream>

#include "guest/adopted.h"
#include "guest/mounted.h"
#include "sys/process_roots.h"
#include "sys/processes.h"

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

// Its number in each of the PID namespaces that it lives in, from ours on.
std::vector<int> numbers_of(const std::string& process) {
  std::istringstream numbers(status_of(process, "NSpid:"));
  return {std::istream_iterator<int>(numbers), {}};
}

// In how many PID namespaces it lives; 0 where it is not the first of the innermost, or has ended.
std::size_t depth_of_first(int process) {
  try {
    const auto numbers = numbers_of(std::to_string(process));
    return !numbers.empty() && numbers.back() == 1 ? numbers.size() : 0;
  } catch (const std::system_error&) {
    return 0;
  }
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

std::optional<int> first_process_of(const std::string& root) {
  const ProcessRoots processes;
  const auto ours = numbers_of("self").size();
  std::optional<int> first;
  auto least = std::numeric_limits<std::size_t>::max();
  for (const auto& door : doors_of(find_guest(root, read_mounts()), list_mounted()))
    for (const int process : processes.processes_in(door)) {
      const auto depth = depth_of_first(process);
      if (depth > ours && depth < least) first = process, least = depth;
    }
  return first;
}

}  // namespace vunify
