// SPDX-License-Identifier: Apache-2.0
// Shared inodes of guests that are not walked tonight, found by what a new file is, and opened by their handles: a new
// guest finds its keepers without a look into any other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hashindex/store.h"
#include "hashindex/tree.h"

namespace vunify {

// A keeper without a name. file is the one it was called for, with the keeper's inode number.
struct Called {
  std::uint32_t guest = 0;  // for whom it was called: its filesystem and mount are the keeper's
  File file;
  std::string handle;
};

// One thread's.
class Keepers {
 public:
  explicit Keepers(const Store& store);

  // Those that have file's size, owner, mode and mtime, to the second.
  std::vector<Called> like(std::uint32_t guest, const FsId& fs, const File& file);

 private:
  const Store& store_;
  lmdb::Transaction reading_;
  lmdb::Cursor cursor_;
};

}  // namespace vunify
