// SPDX-License-Identifier: Apache-2.0
// What a regular file or directory knows of what it is asked: inode flags and project (chattr(1)). All others are
// answered ENOTTY, without a system call: each program asks its files whether they are terminals. Who may set what the
// kernel has asked already.
#include <fcntl.h>
#include <sys/ioctl.h>

#include <cstring>

#include "fuse/operations.h"
#include "fuse/served.h"
#include "sys/inode_attr.h"

namespace vunify {
namespace {

// The flags that keep a shared inode's names are not the guest's.
constexpr std::uint32_t protecting_flags = FS_IMMUTABLE_FL | FS_IUNLINK_FL;
constexpr std::uint32_t protecting_xflags = FS_XFLAG_IMMUTABLE;

Fd open_to_look(Served& served, NodeId id) { return served.addresses.open(id, O_RDONLY | O_NOATIME); }

template <typename Value>
void reply(fuse_req_t request, const Value& value) {
  fuse_reply_ioctl(request, 0, &value, sizeof value);
}

std::uint32_t flags_of(Served& served, NodeId id) {
  const auto flags = inode_flags(open_to_look(served, id).get());
  return served.cow.owner_of(id) == Owner::shared ? flags & ~protecting_flags : flags;
}

fsxattr attributes_of(Served& served, NodeId id) {
  auto attributes = inode_attributes(open_to_look(served, id).get());
  if (served.cow.owner_of(id) == Owner::shared) attributes.fsx_xflags &= ~protecting_xflags;
  return attributes;
}

bool same(const fsxattr& a, const fsxattr& b) {
  return a.fsx_xflags == b.fsx_xflags && a.fsx_extsize == b.fsx_extsize && a.fsx_projid == b.fsx_projid &&
         a.fsx_cowextsize == b.fsx_cowextsize;
}

// set: does it to an open inode; where the guest sees it so already nothing is done. What the filesystem refuses a file
// at all breaks no link: an empty one tells.
template <typename Set>
void change(Served& served, fuse_req_t request, NodeId id, bool is_so, const Set& set) {
  if (!is_so) {
    const NodeLock lock(served.nodes, id);
    if (served.cow.owner_of(served.nodes.current(id)) == Owner::shared) set(served.births.make_unnamed().get());
    const auto current = served.cow.before_write(id, Keep::all, given_up(request));
    set(open_to_look(served, current).get());
    // The kernel does not know that the ctime has moved.
    fuse_lowlevel_notify_inval_inode(served.session, id, -1, 0);
  }
  fuse_reply_ioctl(request, 0, nullptr, 0);
}

// As in a user namespace (fileattr_set_prepare()): whose an inode is, is not the guest's to say where that is counted.
void expect_same_project(const Served& served, bool is_same) {
  if (served.births.is_tagging() && !is_same) throw std::system_error(EINVAL, std::generic_category(), "project");
}

bool same_project(const fsxattr& a, const fsxattr& b) {
  return a.fsx_projid == b.fsx_projid && ((a.fsx_xflags ^ b.fsx_xflags) & FS_XFLAG_PROJINHERIT) == 0;
}

// What was asked of a shared inode, which is nobody's, comes to a copy that is the guest's.
fsxattr own(const Served& served, fsxattr asked, int fd) {
  if (served.births.is_tagging()) asked.fsx_projid = inode_attributes(fd).fsx_projid;
  return asked;
}

template <typename Value>
Value read_value(const void* in, std::size_t size) {
  Value value{};
  if (size < sizeof value) throw std::system_error(EINVAL, std::generic_category(), "ioctl");
  std::memcpy(&value, in, sizeof value);
  return value;
}

}  // namespace

void serve_ioctl(fuse_req_t request, fuse_ino_t id, unsigned command, void*, fuse_file_info*, unsigned, const void* in,
                 std::size_t in_size, std::size_t) {
  answer(request, [&](Served& served) {
    const auto current = served.nodes.current(id);
    switch (command) {
      case FS_IOC_GETFLAGS:
        return reply(request, flags_of(served, current));
      case FS_IOC_FSGETXATTR:
        return reply(request, attributes_of(served, current));
      case FS_IOC_SETFLAGS: {
        const auto flags = read_value<std::uint32_t>(in, in_size);
        const auto has = flags_of(served, current);
        expect_same_project(served, ((flags ^ has) & FS_PROJINHERIT_FL) == 0);
        const bool is_so = flags == has;
        return change(served, request, id, is_so, [flags](int fd) { set_inode_flags(fd, flags); });
      }
      case FS_IOC_FSSETXATTR: {
        const auto attributes = read_value<fsxattr>(in, in_size);
        const auto has = attributes_of(served, current);
        expect_same_project(served, same_project(attributes, has));
        const bool is_so = same(attributes, has);
        return change(served, request, id, is_so,
                      [&](int fd) { set_inode_attributes(fd, own(served, attributes, fd)); });
      }
      default:
        fuse_reply_err(request, ENOTTY);
    }
  });
}

}  // namespace vunify
