// SPDX-License-Identifier: Apache-2.0
// What an inode is, and changes of it. What would change nothing is not done to a shared inode: chown -R, rsync and
// dpkg set owners, modes and times to what they are, and would unshare a tree.
#include "fuse/caller.h"
#include "fuse/changing.h"
#include "fuse/operations.h"
#include "fuse/served.h"
#include "sys/removed_space.h"
#include "sys/xattr.h"

namespace vunify {
namespace {

constexpr int owner_bits = FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;
constexpr int time_bits = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW;

struct Wanted {
  const struct stat& attributes;
  int which;
  bool has(int bits) const { return (which & bits) != 0; }
};

bool same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

bool changes_times(const Wanted& wanted, const struct stat& is) {
  if (wanted.has(FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW)) return true;
  return (wanted.has(FUSE_SET_ATTR_ATIME) && !same_time(wanted.attributes.st_atim, is.st_atim)) ||
         (wanted.has(FUSE_SET_ATTR_MTIME) && !same_time(wanted.attributes.st_mtim, is.st_mtim));
}

bool changes_owner(const Wanted& wanted, const struct stat& is) {
  return (wanted.has(FUSE_SET_ATTR_UID) && wanted.attributes.st_uid != is.st_uid) ||
         (wanted.has(FUSE_SET_ATTR_GID) && wanted.attributes.st_gid != is.st_gid);
}

// chown(2) and truncate(2) take these away even where they change nothing else.
bool loses_privileges(Served& served, NodeId id, const Wanted& wanted, const struct stat& is) {
  if (!wanted.has(owner_bits | FUSE_SET_ATTR_SIZE)) return false;
  const auto address = served.addresses.of(id);
  return (is.st_mode & (S_ISUID | S_ISGID)) != 0 ||
         get_xattr_at(address.at().dir, address.at().leaf, "security.capability").has_value();
}

bool changes(Served& served, NodeId id, const Wanted& wanted, const struct stat& is) {
  constexpr mode_t permissions = 07777;
  return (wanted.has(FUSE_SET_ATTR_SIZE) && wanted.attributes.st_size != is.st_size) ||
         (wanted.has(FUSE_SET_ATTR_MODE) && (wanted.attributes.st_mode & permissions) != (is.st_mode & permissions)) ||
         changes_owner(wanted, is) || changes_times(wanted, is) || loses_privileges(served, id, wanted, is);
}

timespec time_of(const Wanted& wanted, int now_bit, int bit, const timespec& time) {
  if (wanted.has(now_bit)) return {0, UTIME_NOW};
  return wanted.has(bit) ? time : timespec{0, UTIME_OMIT};
}

// A hole behind the end takes no space.
void set_size(Served& served, fuse_req_t request, NodeId id, const Wanted& wanted) {
  const auto size = wanted.attributes.st_size;
  const Fd file = served.addresses.open(id, O_WRONLY);
  const Writing writing(request, file.get(), must_kill_setid());
  resize(file.get(), static_cast<std::uint64_t>(size), {});
}

Owners owners_after(const Wanted& wanted, const struct stat& is) {
  const auto& to = wanted.attributes;
  return {wanted.has(FUSE_SET_ATTR_UID) ? to.st_uid : is.st_uid, wanted.has(FUSE_SET_ATTR_GID) ? to.st_gid : is.st_gid};
}

// Whom it is given to has to have room for it: asked before a copy is made.
void expect_room(Served& served, const Wanted& wanted, const struct stat& is) {
  Taking asks(served.allowance);
  asks.take(most_of_passing(takes_of(is), owners_after(wanted, is)));
}

// What XFS allocated ahead for a file that grows is not given away with it. Not of one that the kernel writes to by
// itself: it may be growing now.
void trim_open(Served& served, NodeId id) {
  if (!served.allowance.follows(id) || !served.nodes.at(id).is_served_by_us) return;
  const Changing shrinks(served, {}, {id});
  drop_allocated_ahead(served.addresses.open(id, O_WRONLY).get());
}

// The kernel asks for one of these at a time, but for what a truncation brings along.
void apply(Served& served, fuse_req_t request, NodeId id, const struct stat& is, const Wanted& wanted) {
  if (wanted.has(owner_bits)) trim_open(served, id);
  Changing changing(served, {}, {id});
  if (wanted.has(owner_bits)) changing.passes_to(owners_after(wanted, is));
  if (wanted.has(FUSE_SET_ATTR_SIZE)) set_size(served, request, id, wanted);
  const auto address = served.addresses.of(id);
  const auto& to = wanted.attributes;
  if (wanted.has(owner_bits)) {
    const WithoutFsetid clears(clears_setgid(request, is));
    set_owner_at(address.at(), wanted.has(FUSE_SET_ATTR_UID) ? to.st_uid : static_cast<uid_t>(-1),
                 wanted.has(FUSE_SET_ATTR_GID) ? to.st_gid : static_cast<gid_t>(-1));
  }
  if (wanted.has(FUSE_SET_ATTR_MODE)) set_mode_at(address.at(), to.st_mode & 07777);
  if (!wanted.has(time_bits)) return;
  const timespec times[2] = {time_of(wanted, FUSE_SET_ATTR_ATIME_NOW, FUSE_SET_ATTR_ATIME, to.st_atim),
                             time_of(wanted, FUSE_SET_ATTR_MTIME_NOW, FUSE_SET_ATTR_MTIME, to.st_mtim)};
  set_times_at(address.at(), times);
}

// Who reads the old inode of a broken link has its size, too: up to a larger one the kernel would show him zeros, or
// let him map what is not there.
void reply_attributes(Served& served, fuse_req_t request, NodeId id, NodeId current, const struct stat& seen) {
  auto shows = shown(served.nodes.at(current), seen);
  if (served.nodes.at(id).is_detached) {
    const auto old = served.addresses.stat(id);
    shows.st_size = old.st_size;
    shows.st_blocks = old.st_blocks;
  }
  fuse_reply_attr(request, &shows, lasting(served.nodes.at(id)));
}

}  // namespace

void serve_getattr(fuse_req_t request, fuse_ino_t id, fuse_file_info*) {
  answer(request, [&](Served& served) {
    const auto current = served.nodes.current(id);
    reply_attributes(served, request, id, current, served.addresses.stat(current));
  });
}

void serve_setattr(fuse_req_t request, fuse_ino_t id, struct stat* attributes, int which, fuse_file_info*) {
  answer(request, [&](Served& served) {
    const Wanted wanted{*attributes, which};
    const NodeLock lock(served.nodes, id);
    auto current = served.nodes.current(id);
    const bool shared = served.cow.owner_of(current) == Owner::shared;
    struct stat is {};
    if (shared || wanted.has(owner_bits | FUSE_SET_ATTR_SIZE)) is = served.addresses.stat(current);
    if (!shared || changes(served, current, wanted, is)) {
      if (shared && wanted.has(owner_bits)) expect_room(served, wanted, is);
      const bool empties = wanted.has(FUSE_SET_ATTR_SIZE) && attributes->st_size == 0;
      current = served.cow.before_write(current, empties ? Keep::nothing : Keep::all, given_up(request));
      // Readers keep the old size through this node: the kernel looks the name up again, and truncates the new file.
      if (wanted.has(FUSE_SET_ATTR_SIZE) && current != id) throw std::system_error(ESTALE, std::generic_category(), "");
      apply(served, request, current, is, wanted);
      is = served.addresses.stat(current);
    }
    reply_attributes(served, request, id, current, is);
  });
}

void serve_readlink(fuse_req_t request, fuse_ino_t id) {
  answer(request,
         [&](Served& served) { fuse_reply_readlink(request, read_link_at(served.addresses.of(id).at()).c_str()); });
}

}  // namespace vunify
