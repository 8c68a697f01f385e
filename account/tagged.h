// SPDX-License-Identifier: Apache-2.0
// What of a tree has a guest's number, as util-vserver's vdu counted it. Linux-VServer kept a number with each inode;
// on stock kernels it is the project id, where one is set, and else the place decides. What guests share is nobody's:
// 0.
#pragma once

#include <cstdint>
#include <functional>

#include "sys/root_dir.h"

namespace vunify {

struct Tagged {
  std::uint64_t blocks = 0;  // of 512 bytes, as stat(2) tells them
  std::uint64_t inodes = 0;
  std::uint64_t others = 0;  // names in a guest's tree that carry another number, be it the one that is counted
  bool is_whole = true;      // all could be read
};

// The number of whoever lives in a directory, by its path from the root of the tree; 0: the host. From many threads.
using NumberOfPlace = std::function<std::uint32_t(const std::string& path)>;

// The root itself too, of each inode one name; nothing on another device. In the caller's tbb::task_arena; it ends
// early where stop() says so.
Tagged count_tagged(const RootDir& tree, std::uint32_t xid, const NumberOfPlace& place,
                    const std::function<bool()>& stop);

}  // namespace vunify
