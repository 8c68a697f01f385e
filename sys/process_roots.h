// SPDX-License-Identifier: Apache-2.0
// Who lives in a directory: processes whose root it is (chroot(2), pivot_root(2)), and who mounted it elsewhere. What a
// guest has mounted may never answer: its root is told by what the kernel knows of it already (AT_STATX_DONT_SYNC), and
// mounts by the tables of /proc.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sys/mount.h"

namespace vunify {

// The processes and mounts of now, looked up once.
class ProcessRoots {
 public:
  ProcessRoots();

  // A directory by its path on the host, symlinks resolved.
  std::vector<int> processes_in(const std::string& host_path) const;

  // Whether a mount, in whichever namespace, shows this directory as its root at another place than host_path.
  bool is_mounted_elsewhere(const std::string& host_path) const;

 private:
  void add_points(const std::vector<Mount>& mounts);

  std::vector<Mount> mounts_;                                                      // our own
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<int>> by_root_;    // st_dev and inode number
  std::map<std::pair<std::uint64_t, std::string>, std::set<std::string>> points_;  // by what is mounted there (Located)
};

// A process of now that has its root or its working directory in this directory or anywhere beneath it, this one
// included. What it only has open is not looked at.
std::optional<int> process_beneath(const std::string& host_path);

}  // namespace vunify
