// SPDX-License-Identifier: Apache-2.0
#include "fuse/caller.h"

#include <algorithm>

namespace vunify {
namespace {

bool is_in_group(fuse_req_t request, gid_t gid) {
  gid_t groups[256];
  const int count = std::clamp(fuse_req_getgroups(request, 256, groups), 0, 256);
  return std::find(groups, groups + count, gid) != groups + count;
}

bool keeps_all(fuse_req_t request) { return process_has_capability(fuse_req_ctx(request)->pid, keep_setid); }

}  // namespace

bool clears_setid(fuse_req_t request, const struct stat& file) {
  return (file.st_mode & (S_ISUID | S_ISGID)) != 0 && !keeps_all(request);
}

bool clears_setgid(fuse_req_t request, const struct stat& file) {
  return (file.st_mode & S_ISGID) != 0 && !keeps_all(request) && !is_in_group(request, file.st_gid);
}

}  // namespace vunify
