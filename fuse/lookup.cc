// SPDX-License-Identifier: Apache-2.0
// Names looked up and forgotten. That a name is not there the kernel may remember, too: it comes by this mount only.
#include "fuse/operations.h"
#include "fuse/served.h"

namespace vunify {

void serve_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  answer(request, [&](Served& served) {
    fuse_entry_param entry{};
    entry.entry_timeout = for_good;
    const auto id = is_hidden(served, parent, name) ? 0 : enter(served, parent, name, entry);
    if (fuse_reply_entry(request, &entry) == -ENOENT && id != 0) served.nodes.forget(id, 1);
  });
}

void serve_forget(fuse_req_t request, fuse_ino_t id, std::uint64_t lookups) {
  Wire::served_by(request).nodes.forget(id, lookups);
  fuse_reply_none(request);
}

void serve_forget_multi(fuse_req_t request, std::size_t count, fuse_forget_data* forgets) {
  auto& served = Wire::served_by(request);
  for (std::size_t i = 0; i < count; ++i) served.nodes.forget(forgets[i].ino, forgets[i].nlookup);
  fuse_reply_none(request);
}

}  // namespace vunify
