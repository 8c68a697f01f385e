// SPDX-License-Identifier: Apache-2.0
// Files of this host that may hold what another host has: found by a walk, none is opened.
#pragma once

#include <string>
#include <vector>

#include "move/likes.h"
#include "sys/inode.h"
#include "sys/root_dir.h"

namespace vunify {

struct AlikeFile {
  const RootDir* root;
  std::string path;  // from there
  std::uint64_t size = 0;
  bool is_sparse = false;
  std::int64_t mtime = 0;

  FileLook look() const { return {size, is_sparse, mtime, split_path(path).leaf}; }
};

// Each inode once. wanted: nothing: all files that are not empty. What cannot be read is not there. The roots outlive
// what is returned.
std::vector<AlikeFile> find_alike(const std::vector<RootDir>& roots, const Likes* wanted);

}  // namespace vunify
