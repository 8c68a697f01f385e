// SPDX-License-Identifier: Apache-2.0
#include "sys/process_roots.h"

#include <optional>

#include "sys/processes.h"

namespace vunify {

ProcessRoots::ProcessRoots() : mounts_(read_mounts()) {
  const auto ours = link_of_process("self", "ns/mnt");
  std::map<std::pair<std::string, std::string>, std::optional<Located>> roots;  // of all processes of a container, one
  for_each_process([&](const std::string& process) {
    const auto space = link_of_process(process, "ns/mnt"), root = link_of_process(process, "root");
    const auto number = std::stoi(process);
    if (space == ours || root != "/") return by_path_[root].push_back(number);  // many are copies of ours
    if (!roots.contains({space, root})) roots[{space, root}] = locate(read_mounts(process), "/");
    if (const auto& there = roots[{space, root}]) by_place_[{there->dev, there->path}].push_back(number);
  });
}

std::vector<int> ProcessRoots::processes_in(const std::string& host_path) const {
  std::vector<int> processes;
  const auto add = [&](const auto& found, const auto& end) {
    if (found != end) processes.insert(processes.end(), found->second.begin(), found->second.end());
  };
  add(by_path_.find(host_path), by_path_.end());
  if (const auto here = locate(mounts_, host_path)) add(by_place_.find({here->dev, here->path}), by_place_.end());
  return processes;
}

}  // namespace vunify
