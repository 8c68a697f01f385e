// SPDX-License-Identifier: Apache-2.0
#include "change/metadata.h"

#include <tuple>

#include "sys/inode_attr.h"
#include "sys/xattr.h"

namespace vunify {

InodeMetadata read_metadata(int fd) { return read_metadata(fd, stat_fd(fd), inode_flags(fd)); }

InodeMetadata read_metadata(int fd, const Inode& seen, std::uint32_t flags) {
  InodeMetadata metadata;
  metadata.mode = seen.mode;
  metadata.uid = seen.uid;
  metadata.gid = seen.gid;
  metadata.flags = flags & metadata_flags;
  metadata.mtime = seen.stamp.mtime.sec;
  metadata.xattrs = read_xattrs(fd, VUNIFY_MARK_XATTR);
  return metadata;
}

bool looks_like(const Inode& seen, const InodeMetadata& metadata) {
  return std::tie(seen.mode, seen.uid, seen.gid, seen.stamp.mtime.sec) ==
         std::tie(metadata.mode, metadata.uid, metadata.gid, metadata.mtime);
}

void restore_metadata(int fd, const InodeMetadata& metadata, Timestamp mtime) {
  set_owner_and_mode(fd, metadata.uid, metadata.gid, metadata.mode);
  for (const auto& [name, value] : read_xattrs(fd, VUNIFY_MARK_XATTR))
    if (!metadata.xattrs.contains(name)) remove_xattr(fd, name.c_str());
  for (const auto& [name, value] : metadata.xattrs) set_xattr(fd, name, value);
  if (has_inode_flags(fd)) change_inode_flags(fd, metadata.flags, metadata_flags & ~metadata.flags);
  set_times(fd, std::nullopt, mtime);
}

bool agree(const InodeMetadata& a, const InodeMetadata& b, bool with_mtime) {
  const auto key = [](const InodeMetadata& p) { return std::tie(p.mode, p.uid, p.gid, p.flags, p.xattrs); };
  return key(a) == key(b) && (!with_mtime || a.mtime == b.mtime);
}

}  // namespace vunify
