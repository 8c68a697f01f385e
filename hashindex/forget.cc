// SPDX-License-Identifier: Apache-2.0
#include "hashindex/forget.h"

#include <system_error>

#include "hashindex/delta.h"
#include "hashindex/merge.h"
#include "hashindex/seal.h"
#include "hashindex/store.h"

namespace vunify {
namespace {

void forget_all(const std::string& path, const std::vector<FileId>& inodes) {
  break_seal(path);
  {
    Store store(path, lmdb::Access::write);
    Delta delta(path);
    for (const auto& inode : inodes)
      if (const auto fs = store.number_of(inode.fs)) delta.add({.key = {*fs, inode.ino}, .is_gone = true});
    merge(store, delta);
  }
  make_seal(path);
}

}  // namespace

void forget_inodes(const std::string& index_path, const std::vector<FileId>& inodes) {
  const auto condition = examine_seal(index_path);
  if (inodes.empty() || condition == Condition::absent || condition == Condition::foreign) return;
  if (condition != Condition::sound) return remove_index(index_path);
  try {
    forget_all(index_path, inodes);
  } catch (const std::system_error&) {
    remove_index(index_path);
  }
}

}  // namespace vunify
