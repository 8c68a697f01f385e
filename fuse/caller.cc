// SPDX-License-Identifier: Apache-2.0
#include "fuse/caller.h"

#include "sys/at.h"
#include "sys/processes.h"

namespace vunify {
namespace {

bool is_in_group(fuse_req_t request, gid_t gid) { return process_is_in_group(fuse_req_ctx(request)->pid, gid); }

// The filesystem beneath asks this thread whether it is in the file's group (fs/attr.c, setattr_should_drop_sgid).
gid_t group_of_writing(fuse_req_t request, int fd) {
  const auto file = stat_at({fd, ""});
  const bool stays = (file.st_mode & (S_ISGID | S_IXGRP)) == S_ISGID && is_in_group(request, file.st_gid);
  return stays ? file.st_gid : nobodys_id;
}

bool keeps_all(fuse_req_t request) { return process_has_capability(fuse_req_ctx(request)->pid, keep_setid); }

}  // namespace

Writing::Writing(fuse_req_t request, int fd, bool clears_setid)
    : nobody_(nobodys_id, clears_setid ? group_of_writing(request, fd) : 0, clears_setid ? 0 : 1U << keep_setid) {}

bool clears_setid(fuse_req_t request, int fd) {
  const auto file = stat_at({fd, ""});
  return (file.st_mode & (S_ISUID | S_ISGID)) != 0 && !keeps_all(request);
}

bool clears_setgid(fuse_req_t request, const struct stat& file) {
  return (file.st_mode & S_ISGID) != 0 && !keeps_all(request) && !is_in_group(request, file.st_gid);
}

}  // namespace vunify
