// SPDX-License-Identifier: Apache-2.0
#include "fuse/source.h"

#include <fcntl.h>
#include <sys/mount.h>

#include "guest/staging.h"
#include "guest/tag.h"
#include "sys/at.h"
#include "sys/fuse_device.h"
#include "sys/write_out.h"

namespace vunify {
namespace {

// Where the root is all that its mount shows, staging is in it.
std::optional<Fd> open_parent_of(const Guest& guest) {
  try {
    return open_staging_parent({&guest});
  } catch (const std::system_error& error) {
    if (is_error(error, EXDEV)) return std::nullopt;
    throw;
  }
}

std::string path_below(const Guest& guest) {
  const auto parent = split_path(staging_path({&guest})).parent;
  return guest.root.host_path().substr(parent.size() + 1);
}

}  // namespace

Source source_of(const Guest& guest, Fd root, Fd read_only, Fd parent) {
  Source source;
  source.root = std::move(root);
  source.read_only = std::move(read_only);
  const auto top = stat_fd(source.root.get());
  if (stat_fd(parent.get()).ino == top.ino) source.hidden = break_staging_leaf;
  source.staging = std::make_unique<BreakStaging>(parent.get(), top.ino, commits_in_order(guest.mount));
  source.tag = tag_of(guest.root.fd());
  return source;
}

Source open_source(const Guest& guest, unsigned long flags) {
  const auto atime = flags & (MS_NOATIME | MS_NODIRATIME | MS_STRICTATIME);
  const auto parent = open_parent_of(guest);
  Fd mount = clone_mount(parent ? parent->get() : guest.root.fd(), Access::read_write, atime);
  Fd root = parent ? open_at({mount.get(), path_below(guest).c_str()}, O_PATH | O_DIRECTORY)
                   : open_at({mount.get(), "."}, O_PATH | O_DIRECTORY);
  // Handles are opened on what is open itself: an O_PATH descriptor, as the clone is, would be EBADF.
  Fd read_only =
      open_at({clone_mount(guest.root.fd(), Access::read_only, atime).get(), "."}, O_RDONLY | O_DIRECTORY | O_NOATIME);
  return source_of(guest, std::move(root), std::move(read_only), std::move(mount));
}

}  // namespace vunify
