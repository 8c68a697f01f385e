// SPDX-License-Identifier: Apache-2.0
#include "hashindex/policy.h"

#include <tuple>

#include "sys/inode_attr.h"
#include "sys/xattr.h"

namespace vunify {

Policy read_policy(int fd) { return read_policy(fd, stat_fd(fd), inode_flags(fd)); }

Policy read_policy(int fd, const Inode& seen, std::uint32_t flags) {
  Policy policy;
  policy.mode = seen.mode;
  policy.uid = seen.uid;
  policy.gid = seen.gid;
  policy.flags = flags & policy_flags;
  policy.project = project_id(fd);
  policy.mtime = seen.stamp.mtime.sec;
  policy.xattrs = read_xattrs(fd);
  policy.xattrs.erase(VUNIFY_MARK_XATTR);
  return policy;
}

void restore_policy(int fd, const Policy& policy, Timestamp mtime) {
  set_owner_and_mode(fd, policy.uid, policy.gid, policy.mode);
  for (const auto& [name, value] : read_xattrs(fd))
    if (name != VUNIFY_MARK_XATTR && !policy.xattrs.contains(name)) remove_xattr(fd, name.c_str());
  for (const auto& [name, value] : policy.xattrs) set_xattr(fd, name, value);
  if (has_inode_flags(fd)) change_inode_flags(fd, policy.flags, policy_flags & ~policy.flags);
  set_times(fd, std::nullopt, mtime);
}

bool agree(const Policy& a, const Policy& b, bool with_mtime) {
  const auto key = [](const Policy& p) { return std::tie(p.mode, p.uid, p.gid, p.flags, p.project, p.xattrs); };
  return key(a) == key(b) && (!with_mtime || a.mtime == b.mtime);
}

}  // namespace vunify
