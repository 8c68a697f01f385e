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
  bool is_whole = true;  // all could be read
};

// The root itself too, of each inode one name; nothing on another device. place: the number of whoever lives in the
// tree. In the caller's tbb::task_arena; it ends early where stop() says so.
Tagged count_tagged(const RootDir& tree, std::uint32_t xid, std::uint32_t place, const std::function<bool()>& stop);

}  // namespace vunify
