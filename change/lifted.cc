// SPDX-License-Identifier: Apache-2.0
#include "change/lifted.h"

#include "change/last_name.h"
#include "sys/handle.h"
#include "sys/mark.h"

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
  const bool is_released = release_last_name(inode->get(), set);
  if (!is_released && has_mark(inode->get())) protect_bare(inode->get(), set.protection);
}

}  // namespace vunify
