// SPDX-License-Identifier: Apache-2.0
// vcow as pjdfstest is to meet it: every regular file that nobody has open is marked and given a name in another guest,
// the directory "other" beside the root, as if vunify had just been there. "other/N.was" is what it was then.
//
//     sharing_vcow ROOT
#define operations plain_operations
#include "fuse/operations.cc"
#undef operations

#include <fcntl.h>

#include <atomic>
#include <cstdio>

#include "fuse/mount.h"
#include "fuse/served.h"
#include "sys/mark.h"

namespace vunify {
namespace {

std::atomic<int> shared = 0;

void share_file(Served& served, NodeId id) {
  const Fd file = served.addresses.open(id, O_RDONLY);
  const auto inode = stat_fd(file.get());
  if (inode.nlink != 1 || inode.immutable || inode.append_only) return;
  const Fd other = open_at({served.source.root.get(), "../other"}, O_RDONLY | O_DIRECTORY);
  const auto name = std::to_string(++shared);
  prepare_copy(file.get(), {other.get(), name + ".was"});
  set_mark(file.get(), {fs_id(file.get()), inode.ino});
  prepare_link(file.get(), {other.get(), name});
  const int backing = served.nodes.at(id).backing;
  served.nodes.set_owner(id, Owner::shared);
  served.nodes.set_backing(id, 0);
  served.backing.forget(backing);
}

void share_if_closed(Served& served, NodeId id) {
  try {
    const NodeLock lock(served.nodes, id);
    const auto node = served.nodes.at(id);
    if (node.is_regular() && node.owner != Owner::shared && node.opens == 0 && node.name_length != 0)
      share_file(served, id);
  } catch (const std::system_error&) {  // it is gone already
  }
}

// RELEASE comes after close(2) has returned: the next request of the kernel is served when the file is shared.
void release_and_share(fuse_req_t request, fuse_ino_t id, fuse_file_info* file) {
  auto& served = Wire::served_by(request);
  serve_release(request, id, file);
  share_if_closed(served, id);
}

}  // namespace

fuse_lowlevel_ops operations() {
  auto all = plain_operations();
  all.release = release_and_share;
  return all;
}

}  // namespace vunify

int main(int, char** argv) {
  try {
    vunify::serve_guest({.dir = argv[1], .point = argv[1]}, [] {});
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
