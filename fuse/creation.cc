// SPDX-License-Identifier: Apache-2.0
// New names with new inodes. The kernel holds the directory's lock, and has seen that the name is not there.
#include "fuse/attempts.h"
#include "fuse/birthplace.h"
#include "fuse/caller.h"
#include "fuse/changing.h"
#include "fuse/files.h"
#include "fuse/operations.h"
#include "fuse/served.h"

namespace vunify {
namespace {

constexpr auto no_name = "/";  // no file is called so: O_TMPFILE (fuse/wire)

// Itself, and room for its name.
constexpr Amount most_of_new{block_bytes, 1};

// On whose account it will be.
std::optional<Owners> maker(Served& served, fuse_req_t request, NodeId parent) {
  if (!served.allowance.is_limited()) return std::nullopt;
  const auto directory = served.addresses.stat(parent);
  const auto& caller = *fuse_req_ctx(request);
  return Owners{caller.uid, (directory.st_mode & S_ISGID) != 0 ? directory.st_gid : caller.gid};
}

// Noted only where there is no such name yet; else the filesystem refuses it.
AttemptNote making(NodeId parent, const char* name, At at) {
  return find_at(at) ? AttemptNote{} : attempt_at(Attempted::making, parent, name);
}

template <typename Make>
void make_once(Served& served, fuse_req_t request, NodeId parent, const char* name, const Make& make) {
  Changing changing(served, most_of_new, {parent}, maker(served, request, parent));
  const auto address = served.addresses.of(parent, name);
  Birth birth(served.births, address.at());
  Attempting attempting(making(parent, name, address.at()));
  {
    const AsCaller caller(*fuse_req_ctx(request));
    make(birth.at());
  }
  birth.move_out();
  attempting.done();
  if (changing.counts()) changing.born(stat_at(address.at()));
}

template <typename Make>
void make_name(fuse_req_t request, NodeId parent, const char* name, const Make& make) {
  answer(request, [&](Served& served) {
    expect_visible(served, parent, name);
    if (!was_done()) make_once(served, request, parent, name, make);
    reply_entry(served, request, parent, name);
  });
}

Fd open_as_caller(fuse_req_t request, At at, int flags, mode_t mode) {
  const AsCaller caller(*fuse_req_ctx(request));
  return open_at(at, flags, mode);
}

// A file that is there after all is another request's: the kernel looks its name up again, and opens it.
Fd create_file(Served& served, fuse_req_t request, NodeId parent, At at, mode_t mode, bool exclusive) {
  try {
    Birth birth(served.births, at);
    Attempting attempting(making(parent, at.leaf, at));
    Fd file = open_as_caller(request, birth.at(), O_RDONLY | O_CREAT | O_EXCL, mode);
    birth.move_out();
    attempting.done();
    return file;
  } catch (const std::system_error& error) {
    if (exclusive || !is_error(error, EEXIST)) throw;
    throw std::system_error(ESTALE, std::generic_category(), at.leaf);
  }
}

struct Created {
  Fd file;
  NodeId id = 0;
};

Created create_named(Served& served, fuse_req_t request, NodeId parent, const char* name, mode_t mode, int flags) {
  const auto address = served.addresses.of(parent, name);
  Created created;
  created.file = was_done() ? open_at(address.at(), O_RDONLY | O_NOATIME)
                            : create_file(served, request, parent, address.at(), mode, (flags & O_EXCL) != 0);
  created.id = served.nodes.enter(parent, name, stat_at({created.file.get(), ""}), Owner::guest);
  return created;
}

Created create_unnamed(Served& served, fuse_req_t request, NodeId parent, mode_t mode, int flags) {
  const auto address = served.addresses.of(parent, ".");
  const Birth birth(served.births, address.at());
  Created created;
  created.file = open_as_caller(request, birth.at(), O_TMPFILE | O_RDWR | (flags & O_EXCL), mode);
  created.id = served.nodes.enter_nameless(stat_at({created.file.get(), ""}));
  served.addresses.hold(created.id, hold_at({created.file.get(), ""}));
  return created;
}

Created create(Served& served, fuse_req_t request, NodeId parent, const char* name, mode_t mode, int flags) {
  Changing changing(served, most_of_new, {parent}, maker(served, request, parent));
  const bool has_name = name[0] != no_name[0];
  const bool is_counted = was_done();  // by who counted the guest anew
  auto created = has_name ? create_named(served, request, parent, name, mode, flags)
                          : create_unnamed(served, request, parent, mode, flags);
  if (!changing.counts() || is_counted) return created;
  const auto made = stat_at({created.file.get(), ""});
  changing.born(made);
  if (!has_name) served.allowance.outlive(created.id, takes_of(made));
  return created;
}

void open_created(Served& served, fuse_req_t request, const Created& created, int flags) {
  const NodeLock lock(served.nodes, created.id);
  const auto opened = open_locked(served, created.id, created.file.get(), flags);
  const auto entry = entry_of(served, created.id, stat_at({created.file.get(), ""}));
  if (reply_create(request, entry, opened) == -ENOENT) take_back(served, created.id, opened, opened_to(flags), 1);
}

}  // namespace

void serve_create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* file) {
  answer(request, [&](Served& served) {
    expect_visible(served, parent, name);
    const auto created = create(served, request, parent, name, mode, file->flags);
    try {
      open_created(served, request, created, file->flags);
    } catch (...) {
      served.nodes.forget(created.id, 1);  // the kernel does not know it
      throw;
    }
  });
}

void serve_mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  make_name(request, parent, name, [&](At at) { make_directory_at(at, mode); });
}

void serve_mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  make_name(request, parent, name, [&](At at) { make_node_at(at, mode, device); });
}

void serve_symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
  make_name(request, parent, name, [&](At at) { make_symlink_at(target, at); });
}

}  // namespace vunify
