// SPDX-License-Identifier: Apache-2.0
// The mount table, /proc/self/mountinfo (proc(5)), read once per question.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vunify {

struct Mount {
  std::uint64_t id = 0;
  std::uint64_t dev = 0;  // the superblock's: on btrfs it differs from st_dev, and is what /proc/locks names
  std::string root;       // which directory of the filesystem is mounted
  std::string point;      // and where
  std::string type;
  std::string super_options;
};

std::vector<Mount> read_mounts();
Mount mount_of(int fd);

// statx(2) STATX_MNT_ID: names are linked and exchanged only within one mount.
std::uint64_t mount_id(int fd);

// The directories that overlay mounts are made of: lowerdir, upperdir and workdir options, unescaped.
std::vector<std::string> overlay_layers(const std::vector<Mount>& mounts);

}  // namespace vunify
