// SPDX-License-Identifier: Apache-2.0
#include "change/protect_again.h"

#include <system_error>

namespace vunify {
namespace {

constexpr int most_restores = 16;  // each lost to a chmod in the microseconds between two calls

// False where a full disk, or a guest's quota, leaves no room for what was there: it must be protected all the same.
bool is_restored(int fd, const InodeMetadata& metadata, Timestamp mtime) {
  try {
    restore_metadata(fd, metadata, mtime);
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace

Protected protect_shared_again(int fd, Protection protection, const InodeMetadata& metadata, Timestamp mtime) {
  for (int tries = 0; tries < most_restores; ++tries) {
    const auto flags = protect_at_any_rate(fd, protection);
    const auto seen = stat_fd(fd);
    if (read_metadata(fd, seen, flags) == metadata) return {tries == 0, seen};
    unprotect(fd);
    if (!is_restored(fd, metadata, mtime)) break;
  }
  protect_at_any_rate(fd, protection);
  return {false, stat_fd(fd)};
}

// Where it need not be lifted it was protected before its first other name: what differs is its own guest's change.
Protected protect_again(int fd, Protection protection, const InodeMetadata& metadata, Timestamp mtime) {
  if (must_lift(protection)) return protect_shared_again(fd, protection, metadata, mtime);
  const auto flags = protect(fd, protection);
  const auto seen = stat_fd(fd);
  return {read_metadata(fd, seen, flags) == metadata, seen};
}

}  // namespace vunify
