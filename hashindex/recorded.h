// SPDX-License-Identifier: Apache-2.0
// What the index recorded of shared inodes when it last read them, beside what they are now. Here a record is asked not
// to spare a reading but to find what was changed: a guest that may take flags off (CAP_LINUX_IMMUTABLE), or the host,
// wrote to what others share.
#pragma once

#include <optional>

#include "hashindex/store.h"
#include "survey/tree.h"

namespace vunify {

struct Recorded {
  Record record;
  bool is_as_seen = false;  // size, owner, mode and mtime are as they were
};

// One thread's. Fastest when asked in the order of sizes, then inode numbers.
class RecordedShared {
 public:
  explicit RecordedShared(const Store& store);

  // Of a file that the walk found marked; nothing where it was not read as a shared inode, or the index is new.
  std::optional<Recorded> find(const FsId& fs, const File& file);

 private:
  const Store& store_;
  RecordReader records_;
  lmdb::Transaction reading_;
  lmdb::Cursor keepers_;
};

}  // namespace vunify
