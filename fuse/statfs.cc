// SPDX-License-Identifier: Apache-2.0
#include "fuse/operations.h"
#include "fuse/served.h"

namespace vunify {

void serve_statfs(fuse_req_t request, fuse_ino_t) {
  answer(request, [&](Served& served) {
    const auto shows = served.allowance.show(statvfs_of(served.source.root.get()));
    fuse_reply_statfs(request, &shows);
  });
}

}  // namespace vunify
