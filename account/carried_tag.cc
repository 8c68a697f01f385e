// SPDX-License-Identifier: Apache-2.0
#include "account/carried_tag.h"

#include <fcntl.h>

#include "sys/held_attr.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"

namespace vunify {
namespace {

std::uint32_t project_of(const RootDir& tree, const std::string& path, const Inode& inode) {
  try {
    const Fd held = tree.open(path, O_PATH | O_NOFOLLOW);
    if (const auto attr = held_attr(held.get())) return attr->project;
    return inode.is_regular() ? project_id(reopen_regular(held.get(), path).get()) : 0;
  } catch (const std::system_error&) {
    return 0;
  }
}

}  // namespace

CarriedTag carried_tag(const RootDir& tree, const FsId& fs, const Listing& listing, const std::string& leaf,
                       const Inode& inode) {
  return {.project = project_of(tree, join_path(listing.path, leaf), inode),
          .is_shared = inode.is_regular() && mark_at(listing.fd, leaf, {fs, inode.ino}) == Mark::valid};
}

}  // namespace vunify
