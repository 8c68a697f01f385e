// SPDX-License-Identifier: Apache-2.0
#include "sys/process_roots.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <optional>

#include "sys/beneath.h"
#include "sys/processes.h"

namespace vunify {
namespace {

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

// Of what is mounted there only what the kernel has in memory: a FUSE daemon, say, is not waited for.
std::optional<std::pair<std::uint64_t, std::uint64_t>> known_id(const std::string& path) {
  struct statx st {};
  if (::statx(AT_FDCWD, path.c_str(), AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_INO, &st) != 0) return std::nullopt;
  return std::pair{makedev(st.stx_dev_major, st.stx_dev_minor), st.stx_ino};
}

}  // namespace

ProcessRoots::ProcessRoots() : mounts_(read_mounts()) {
  add_points(mounts_);
  std::set<std::string> spaces{link_of_process("self", "ns/mnt")};
  for_each_process([&](const std::string& process) {
    if (const auto root = known_id("/proc/" + process + "/root")) by_root_[*root].push_back(std::stoi(process));
    if (spaces.insert(link_of_process(process, "ns/mnt")).second) add_points(read_mounts(process));
  });
}

void ProcessRoots::add_points(const std::vector<Mount>& mounts) {
  for (const auto& mount : mounts) points_[{mount.dev, mount.root}].insert(mount.point);
}

std::vector<int> ProcessRoots::processes_in(const std::string& host_path) const {
  const auto id = known_id(host_path);
  const auto found = id ? by_root_.find(*id) : by_root_.end();
  return found == by_root_.end() ? std::vector<int>() : found->second;
}

bool ProcessRoots::is_mounted_elsewhere(const std::string& host_path) const {
  const auto here = locate(mounts_, host_path);
  const auto points = here ? points_.find({here->dev, here->path}) : points_.end();
  return points != points_.end() && (points->second.size() > 1 || !points->second.contains(host_path));
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
      const bool is_there = here && there && there->dev == here->dev && is_or_is_beneath(there->path, here->path);
      if (is_there || is_or_is_beneath(path, host_path)) found = std::stoi(process);
    }
  });
  return found;
}

}  // namespace vunify
