// SPDX-License-Identifier: Apache-2.0
// Who lives in a directory: processes whose root it is (chroot(2), pivot_root(2)). Told by the links and tables of
// /proc alone; what a guest has mounted is not touched, for it may never answer.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sys/mount.h"

namespace vunify {

// The processes of now, looked up once. Of one that is chrooted within another mount namespace only the path there is
// told, which is taken for the same as here.
class ProcessRoots {
 public:
  ProcessRoots();

  // A directory by its path on the host, symlinks resolved.
  std::vector<int> processes_in(const std::string& host_path) const;

 private:
  std::vector<Mount> mounts_;
  std::map<std::string, std::vector<int>> by_path_;
  std::map<std::pair<std::uint64_t, std::string>, std::vector<int>> by_place_;  // Located
};

// A process of now that has its root or its working directory in this directory or anywhere beneath it, this one
// included. What it only has open is not looked at.
std::optional<int> process_beneath(const std::string& host_path);

}  // namespace vunify
