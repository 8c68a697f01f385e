// SPDX-License-Identifier: Apache-2.0
// vcow as pjdfstest is to meet it: every regular file is marked and given a name in another guest, the directory
// "other" beside the root, just before it is opened, changed, linked, moved or removed, as if vunify had just been
// there, but while somebody has it open. "other/N.was" is what it was then.
//
//     sharing_vcow ROOT [nopassthrough] [POINT]
#define operations plain_operations
#include "fuse/operations.cc"
#undef operations

#include <fcntl.h>

#include <atomic>
#include <cstdio>
#include <span>
#include <string_view>

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
  const int backing = served.nodes.at(id).backing;
  served.nodes.set_owner(id, Owner::shared);
  set_mark(file.get(), {fs_id(file.get()), inode.ino});
  prepare_link(file.get(), {other.get(), name});
  served.nodes.drop_backing(id);
  served.backing.forget(backing);
}

void share_if_closed(Served& served, NodeId id) {
  try {
    const NodeLock lock(served.nodes, id);
    const auto node = served.nodes.at(id);
    if (node.is_regular() && node.owner != Owner::shared && node.opens == 0 && node.name.length != 0)
      share_file(served, id);
  } catch (const std::system_error&) {  // it is gone already
  }
}

void share_name(fuse_req_t request, NodeId parent, const char* name) {
  auto& served = Wire::served_by(request);
  try {
    if (const auto seen = find_at(served.addresses.of(parent, name).at()))
      if (const auto id = served.nodes.find(parent, name, *seen)) share_if_closed(served, id);
  } catch (const std::system_error&) {  // the operation itself will say so
  }
}

const auto plain = plain_operations();

void share_and_open(fuse_req_t request, fuse_ino_t id, fuse_file_info* file) {
  share_if_closed(Wire::served_by(request), id);
  plain.open(request, id, file);
}
void share_and_setattr(fuse_req_t request, fuse_ino_t id, struct stat* to, int which, fuse_file_info* file) {
  share_if_closed(Wire::served_by(request), id);
  plain.setattr(request, id, to, which, file);
}
void share_and_link(fuse_req_t request, fuse_ino_t id, fuse_ino_t parent, const char* name) {
  share_if_closed(Wire::served_by(request), id);
  plain.link(request, id, parent, name);
}
void share_and_unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  share_name(request, parent, name);
  plain.unlink(request, parent, name);
}
void share_and_rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
                      const char* new_name, unsigned flags) {
  share_name(request, parent, name);
  share_name(request, new_parent, new_name);
  plain.rename(request, parent, name, new_parent, new_name, flags);
}

MountRequest request_of(int argc, char** argv) {
  MountRequest request{.dir = argv[1]};
  for (const std::string_view word : std::span(argv, argc).subspan(2))
    if (word == "nopassthrough")
      request.passthrough = false;
    else
      request.point = word;
  return request;
}

}  // namespace

fuse_lowlevel_ops operations() {
  auto all = plain;
  all.open = share_and_open;
  all.setattr = share_and_setattr;
  all.link = share_and_link;
  all.unlink = share_and_unlink;
  all.rename = share_and_rename;
  return all;
}

}  // namespace vunify

int main(int argc, char** argv) {
  try {
    vunify::serve_guest(vunify::request_of(argc, argv), [] {});
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
