// SPDX-License-Identifier: Apache-2.0
// Shared inodes of guests that are not walked tonight, found by what a new file is, and opened by their handles: a new
// guest finds its keepers without a look into any other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hashindex/store.h"
#include "survey/candidates.h"

namespace vunify {

// One thread's.
class Keepers {
 public:
  explicit Keepers(const Store& store);

  // Those that have file's size, owner, mode and mtime, to the second, and are kept so.
  std::vector<UnwalkedKeeper> like(std::uint32_t guest, const FsId& fs, const File& file, KeptBy kept);

 private:
  const Store& store_;
  lmdb::Transaction reading_;
  lmdb::Cursor cursor_;
};

}  // namespace vunify
