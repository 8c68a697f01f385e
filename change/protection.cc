// SPDX-License-Identifier: Apache-2.0
#include "change/protection.h"

#include <system_error>

#include "sys/fd.h"
#include "sys/guard.h"
#include "sys/inode_attr.h"

namespace vunify {

std::uint32_t protect(int fd, Protection protection) {
  if (protection == Protection::guard) put_under_guard(fd);
  const auto flags = row_of(protection).flags;
  return flags != 0 ? change_inode_flags(fd, flags, 0) : inode_flags(fd);
}

std::uint32_t protect_at_any_rate(int fd, Protection protection) {
  try {
    return protect(fd, protection);
  } catch (const std::system_error& error) {
    if (!is_error(error, ETXTBSY)) throw;
    return protect(fd, Protection::immutable);
  }
}

void protect_bare(int fd, Protection protection) {
  if (protection_of(fd) == Protection::none) protect_at_any_rate(fd, protection);
}

// The guard keeps flags, too.
void unprotect(int fd) {
  take_from_guard(fd);
  change_inode_flags(fd, 0, FS_IMMUTABLE_FL | FS_IUNLINK_FL);
}

bool is_protected(int fd, Protection protection) {
  if (protection == Protection::guard) return is_guarded(fd);
  const auto flags = row_of(protection).flags;
  return (inode_flags(fd) & flags) == flags;
}

bool can_protect(Protection protection) { return protection != Protection::guard || is_guard_loaded(); }

Protection protection_by(std::uint32_t flags) {
  for (const auto protection : {Protection::iunlink, Protection::immutable})
    if ((flags & row_of(protection).flags) == row_of(protection).flags) return protection;
  return Protection::none;
}

Protection protection_of(int fd) {
  const auto by_flags = protection_by(inode_flags(fd));
  return by_flags == Protection::none && is_guarded(fd) ? Protection::guard : by_flags;
}

}  // namespace vunify
