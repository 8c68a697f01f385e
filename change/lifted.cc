// SPDX-License-Identifier: Apache-2.0
#include "change/lifted.h"

#include "sys/handle.h"

namespace vunify {

JournaledSet lifted_set(const Held& held, const GuestName& name, Protection protection, const std::string& staging,
                        const std::string& fs) {
  return {.intent = Intent::copy,
          .staging = staging,
          .fs = fs,
          .root = name.root->host_path(),
          .path = name.path,
          .keeper = held.seen.ino,
          .handle = handle_of(held.fd.get()),
          .size = held.seen.stamp.size,
          .mtime = held.seen.stamp.mtime,
          .protection = protection};
}

void protect_lifted(const JournaledSet& set, int on_fs) {
  const auto inode = open_handle(on_fs, set.handle, OnLease::wait);
  if (!inode) return;
  if (stat_fd(inode->get()).nlink > 1) {
    protect(inode->get(), set.protection);
    return;
  }
  release_last_name(inode->get(), {fs_id(inode->get()), set.keeper});
}

}  // namespace vunify
