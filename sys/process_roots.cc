// SPDX-License-Identifier: Apache-2.0
#include "sys/process_roots.h"

#include <optional>

#include "sys/processes.h"

namespace vunify {
namespace {

bool is_in(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory == "/" ? directory : directory + "/");
}

// Where processes of other mount namespaces are, told by their own tables.
class OtherNamespaces {
 public:
  std::optional<Located> locate(const std::string& process, const std::string& space, const std::string& path) {
    auto& mounts = tables_[space];
    if (mounts.empty()) mounts = read_mounts(process);
    return vunify::locate(mounts, path);
  }

 private:
  std::map<std::string, std::vector<Mount>> tables_;
};

}  // namespace

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

std::optional<int> process_beneath(const std::string& host_path) {
  const auto here = locate(read_mounts(), host_path);
  const auto ours = link_of_process("self", "ns/mnt");
  OtherNamespaces others;
  std::optional<int> found;
  for_each_process([&](const std::string& process) {
    if (found) return;
    const auto space = link_of_process(process, "ns/mnt");
    for (const auto* link : {"root", "cwd"}) {
      const auto path = link_of_process(process, link);
      const auto there = space == ours ? std::nullopt : others.locate(process, space, path);
      const bool is_there = here && there && there->dev == here->dev && is_in(there->path, here->path);
      if (is_there || is_in(path, host_path)) found = std::stoi(process);
    }
  });
  return found;
}

}  // namespace vunify
