// SPDX-License-Identifier: Apache-2.0
#include "fuse/files.h"

#include "fuse/attempts.h"
#include "fuse/caller.h"
#include "fuse/changing.h"
#include "fuse/operations.h"
#include "fuse/workers.h"
#include "sys/clone.h"
#include "sys/removed_space.h"
#include "sys/write_out.h"

namespace vunify {
namespace {

// Of all others the kernel takes care before it asks us, or they are about how we would wait.
constexpr int ours = O_ACCMODE | O_SYNC | O_DSYNC | O_NOATIME;

bool is_read_write(int flags) { return (flags & O_ACCMODE) == O_RDWR; }

// A write through the kernel by itself clears setuid whoever writes, but root keeps it: these writes come to us.
bool must_see_writes(int file, int flags) {
  return writes(flags) && (stat_at({file, ""}).st_mode & (S_ISUID | S_ISGID)) != 0;
}

// An append-only file is opened for nothing else, and then each write goes to its end.
int must_append(int file, int flags) {
  return writes(flags) && (flags & O_APPEND) != 0 && stat_fd(file).append_only ? O_APPEND : 0;
}

// What one guest reads moves no time that another sees.
std::uint64_t open_for_us(Served& served, NodeId id, int file, int flags, Owner owner) {
  const int quiet = owner == Owner::shared ? O_NOATIME : 0;
  return static_cast<std::uint64_t>(
      served.addresses.open(id, (flags & ours) | quiet | must_append(file, flags)).give_away());
}

void empty(Served& served, fuse_req_t request, NodeId id) {
  const Fd file = served.addresses.open(id, O_WRONLY);
  const Changing changing(served, {}, {id});
  const Writing writing(request, file.get(), must_kill_setid());
  resize(file.get(), 0, {});
}

// Immutable and append-only files are the filesystem's business, which is not asked when the kernel opens a backing
// file.
void expect_writable(Served& served, NodeId id, int flags) {
  served.addresses.open(id, flags & (O_ACCMODE | O_APPEND));
}

Opened open_node(Served& served, fuse_req_t request, NodeId id, int flags) {
  if (served.nodes.at(id).is_detached && !try_attach(served, id)) throw_stale("open");
  if (writes(flags)) {
    const auto keep = (flags & O_TRUNC) != 0 ? Keep::nothing : Keep::all;
    // Others read the old inode through this node: the kernel looks the name up again, and finds the new one.
    if (served.cow.before_write(id, keep, given_up(request)) != id) throw_stale("open");
  }
  if (writes(flags)) expect_writable(served, id, flags);
  if ((flags & O_TRUNC) != 0) empty(served, request, id);
  const auto node = served.nodes.at(id);
  if (node.backing != 0 && !writes(flags)) return open_locked(served, id, -1, flags);
  const Fd file = served.addresses.open(id, O_RDONLY | O_NOATIME);
  served.cow.owner_of(id, file.get());
  return open_locked(served, id, file.get(), flags);
}

// It was opened by the kernel before: until the guest had a limit.
void forget_backing_of(Served& served, NodeId id, const Node& node) {
  if (node.backing == 0 || node.opens != 0) return;
  served.backing.forget(served.nodes.drop_backing(id));
}

// Of a guest with a limit what may grow grows through us. One open already stays as it was opened.
bool may_pass_through(const Served& served, const Node& node) {
  if (!served.wire.has_passthrough() || node.is_served_by_us) return false;
  return node.opens != 0 || node.owner == Owner::shared || !served.allowance.is_limited();
}

// What is written in more pieces than ext4 has room for in the inode takes blocks to be found by, which come when it is
// written out. A piece that was allocated and is not written may become one for each of its blocks.
bool may_take_more_late(int fd) {
  constexpr std::uint64_t in_inode = 4;
  const auto is = stat_at({fd, ""});
  if (is.st_nlink == 0 || takes_of(is).bytes <= in_inode * block_bytes) return false;
  std::uint64_t pieces = 0;
  bool is_late = false;
  for (const auto& one : extents_of(fd)) {
    is_late |= one.delayed || one.unwritten;
    pieces += one.unwritten ? one.length / block_bytes : 1;
  }
  return is_late && pieces > in_inode;
}

// Such a file is written out before it is counted for the last time: who removes it gives back all that it has then.
// It is closed whatever comes of it.
void write_out_pieces(int fd) noexcept {
  try {
    const Workers::Away away;
    if (may_take_more_late(fd)) write_out(fd, {});
  } catch (const std::exception&) {
  }
}

// Ours to be closed; nothing where another process of ours has taken it.
Fd take_handle(Served& served, NodeId id, std::uint64_t handle) {
  const int fd = static_cast<int>(handle);
  return Fd(handle != 0 && served.nodes.take_handle(id, fd) ? fd : -1);
}

// Its last user closes it: what the filesystem allocated ahead for it goes, and the next one waits as long.
void settle_closed(Served& served, NodeId id, Fd closed) {
  if (!served.allowance.is_limited() || !served.allowance.follows(id)) return;
  if (closed) write_out_pieces(closed.get());  // not locked: who opens it meanwhile does not wait
  const NodeLock lock(served.nodes, id);
  const Changing trimmed(served, {}, {id});
  const bool is_last = served.nodes.at(id).opens == 1;
  if (is_last && closed) drop_allocated_ahead(closed.get());
  closed = Fd();
}

// Who read the old inode was the last: its room is given back now, and not when somebody opens the name again.
void let_old_go(Served& served, NodeId id) noexcept {
  try {
    {
      const NodeLock lock(served.nodes, id);
      if (!try_attach(served, id)) return;
    }
    fuse_lowlevel_notify_inval_inode(served.session, id, 0, 0);
  } catch (const std::system_error&) {  // the kernel has forgotten it, and so it is gone
  }
}

}  // namespace

bool try_attach(Served& served, NodeId id) {
  const auto node = served.nodes.at(id);
  const auto current = node.is_detached ? served.addresses.attach(id) : 0;
  if (current == 0) return false;
  served.backing.forget(node.backing);
  served.allowance.gone(id);
  served.allowance.move(current, id);
  served.nodes.free(current);
  return true;
}

bool writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0; }

OpenedTo opened_to(int flags) {
  if (is_read_write(flags)) return OpenedTo::read_and_write;
  return writes(flags) ? OpenedTo::write : OpenedTo::read;
}

Opened open_locked(Served& served, NodeId id, int file, int flags) {
  const auto node = served.nodes.at(id);
  const bool is_followed = writes(flags) && served.allowance.is_limited();
  const auto takes = is_followed ? std::optional(takes_of(served.addresses.stat(id))) : std::nullopt;
  Opened opened;
  const bool passes = may_pass_through(served, node);
  if (passes) opened.backing = served.backing.number_of(id, file, node.owner);
  // What was written through the kernel by itself is not in the page cache of ours.
  opened.keep_cache = opened.backing == 0 && node.backing == 0;
  if (!passes) forget_backing_of(served, id, node);
  opened.direct = opened.backing != 0 && must_see_writes(file, flags);
  if (opened.backing == 0 || opened.direct) opened.handle = open_for_us(served, id, file, flags, node.owner);
  served.nodes.set_served_by_us(id, opened.backing == 0);
  served.nodes.open(id, opened_to(flags), static_cast<int>(opened.handle));
  if (takes) served.allowance.follow(id, *takes);
  return opened;
}

bool take_back(Served& served, NodeId id, const Opened& opened, OpenedTo to, std::uint64_t lookups) {
  const Fd closed = take_handle(served, id, opened.handle);
  if (served.nodes.at(id).opens == 1) served.allowance.unfollow(id);
  const bool is_left = served.nodes.release(id, to);
  if (lookups != 0) served.nodes.forget(id, lookups);
  return is_left;
}

void serve_open(fuse_req_t request, fuse_ino_t id, fuse_file_info* file) {
  answer(request, [&](Served& served) {
    const NodeLock lock(served.nodes, id);
    const bool first_rw = is_read_write(file->flags) && (was_asked_before() || !served.nodes.at(id).was_opened_rw);
    const auto opened = open_node(served, request, id, file->flags);
    // What the kernel believes of its times for good it is to ask again from now on.
    if (first_rw) fuse_lowlevel_notify_inval_inode(served.session, id, -1, 0);
    if (reply_open(request, opened) == -ENOENT) take_back(served, id, opened, opened_to(file->flags), 0);
  });
}

void serve_release(fuse_req_t request, fuse_ino_t id, fuse_file_info* file) {
  answer(request, [&](Served& served) {
    bool is_left = was_done();
    if (!is_left) {
      settle_closed(served, id, take_handle(served, id, file->fh));
      is_left = take_back(served, id, {}, opened_to(file->flags), 0);
    }
    if (is_left) let_old_go(served, id);
    fuse_reply_err(request, 0);
  });
}

}  // namespace vunify
