// SPDX-License-Identifier: Apache-2.0
#include "guest/capable.h"

#include <algorithm>

#include "sys/capability.h"
#include "sys/process_roots.h"

namespace vunify {

std::vector<Refusal> leave_out_capable(std::vector<Guest>& guests) {
  const ProcessRoots roots;
  std::vector<Refusal> refused;
  std::erase_if(guests, [&](const Guest& guest) {
    if (guest.rules.protect != Protection::immutable) return false;
    const auto& path = guest.path();
    const auto processes = roots.processes_in(guest.root.host_path());
    const auto able =
        std::ranges::find_if(processes, [](int process) { return may_have_capability(process, linux_immutable); });
    if (able == processes.end()) return false;
    refused.push_back({.path = path,
                       .reason = "process " + std::to_string(*able) +
                                 " in it may have CAP_LINUX_IMMUTABLE, and take the protection off for all: start the "
                                 "guest without it, or insist (--insist)",
                       .for_now = true});
    return true;
  });
  return refused;
}

}  // namespace vunify
