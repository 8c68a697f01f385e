// SPDX-License-Identifier: Apache-2.0
// Names given, taken and moved. None of it copies anything: a name is the guest's own, whatever inode it leads to. Only
// a further name of a shared inode is one that the guest may not give.
#include <fcntl.h>

#include <algorithm>

#include "fuse/attempts.h"
#include "fuse/changing.h"
#include "fuse/lifted_flag.h"
#include "fuse/operations.h"
#include "fuse/served.h"
#include "sys/mark.h"

namespace vunify {
namespace {

// A name, what it leads to, and the node of that, locked: no break comes in between. No node: the kernel has not looked
// it up, or there is no such name.
class Found {
 public:
  Found(Served& served, NodeId parent, const char* name) : address_(served.addresses.of(parent, name)) {
    expect_visible(served, parent, name);
    do {
      lock_.reset();
      look(served, parent, name);
      if (seen_ && served.islands.has(*seen_)) throw std::system_error(EBUSY, std::generic_category(), name);
      if (id_ != 0) lock_.emplace(served.nodes, id_);
    } while (lock_ && lock_->had_to_wait());
    if (id_ == 0) return;
    const auto place = served.nodes.place_of(id_);
    is_its_place_ = place.node.parent == parent && place.name == name;
  }

  At at() const { return address_.at(); }
  const std::optional<struct stat>& seen() const { return seen_; }
  NodeId node() const { return id_; }
  NodeId id() const { return is_its_place_ ? id_ : 0; }  // 0 too where the node goes by another of its names

 private:
  void look(Served& served, NodeId parent, const char* name) {
    const auto no_break = served.held_names.look(parent, name);
    seen_ = find_at(address_.at());
    id_ = seen_ ? served.nodes.find(parent, name, *seen_) : 0;
  }

  Address address_;
  std::optional<struct stat> seen_;
  NodeId id_ = 0;
  std::optional<NodeLock> lock_;
  bool is_its_place_ = false;
};

// Whose mark nobody read yet: with a second name it may be somebody else's, too, and that is not to be forgotten when
// ours is gone.
bool is_shared(Served& served, const Found& found) {
  const auto owner = served.nodes.at(found.id()).owner;
  if (owner != Owner::unknown) return owner == Owner::shared;
  return S_ISREG(found.seen()->st_mode) && found.seen()->st_nlink > 1 &&
         mark_at(found.at().dir, found.at().leaf, {}) != Mark::none;
}

// A name's node is held before the name goes: somebody may have the inode open, or be in the directory. Where it stays
// after all it is reached by it again.
class Parting {
 public:
  Parting(Served& served, const Found& found) : served_(served), id_(found.id()) {
    if (id_ == 0) return;
    const bool shared = is_shared(served, found);
    if (shared) served.nodes.set_owner(id_, Owner::shared);
    still_linked_ = !S_ISDIR(found.seen()->st_mode) && found.seen()->st_nlink > 1 && !shared;
    was_held_ = served.nodes.at(id_).is_held();
    served.addresses.hold(id_, hold_at(found.at()));
  }
  ~Parting() {
    if (id_ != 0 && !was_held_) served_.addresses.drop_hold(id_);
  }
  Parting(const Parting&) = delete;

  bool still_linked() const { return still_linked_; }
  void done() {
    if (id_ != 0) served_.nodes.unname(id_, still_linked_);
    id_ = 0;
  }

 private:
  Served& served_;
  NodeId id_;
  bool still_linked_ = false;
  bool was_held_ = false;
};

// What went with a name: nothing where the inode has another, or where it never counted for this guest.
bool counted_by_its_name(Served& served, const Found& found) {
  if (!found.seen() || !served.allowance.is_limited()) return false;
  const bool is_regular = S_ISREG(found.seen()->st_mode);
  const bool is_marked = is_regular && mark_at(found.at().dir, found.at().leaf, {}) != Mark::none;
  if (is_marked) return served.allowance.counts_shared();
  return S_ISDIR(found.seen()->st_mode) || found.seen()->st_nlink == 1;
}

// One that is immutable is so because vunify protects it (change/protection).
std::optional<Fd> open_shared(At at) {
  const auto seen = find_at(at);
  if (!seen || !S_ISREG(seen->st_mode) || mark_at(at.dir, at.leaf, {}) == Mark::none) return std::nullopt;
  return open_at(at, O_RDONLY | O_NOATIME);
}

// Does it; where the kernel refuses it because a shared inode is immutable, with the flag lifted.
template <typename Work>
void move_names(const Served& served, std::initializer_list<At> names, const Work& work) {
  try {
    return work();
  } catch (const std::system_error& error) {
    if (!is_error(error, EPERM)) throw;
  }
  std::vector<Fd> files;
  for (const auto& name : names)
    if (auto file = open_shared(name)) files.push_back(std::move(*file));
  if (files.empty()) throw std::system_error(EPERM, std::generic_category(), names.begin()->leaf);
  with_flags_lifted(*served.source.staging, files, work);
}

// Of a name that is not there nothing is noted: the filesystem says so.
AttemptNote removing(Served& served, const Found& found, const Parting& parting, NodeId parent, const char* name) {
  if (!found.seen()) return {};
  auto attempt = attempt_at(Attempted::removing, parent, name);
  attempt.ino = found.seen()->st_ino;
  attempt.still_linked = parting.still_linked();
  note_node(attempt, served.nodes, found.id());
  return attempt;
}

void remove_once(Served& served, NodeId parent, const char* name, void (*remove_name)(At)) {
  const Found found(served, parent, name);
  Changing changing(served, {}, {parent});
  const bool frees = counted_by_its_name(served, found);
  Parting parting(served, found);
  Attempting attempting(removing(served, found, parting, parent, name));
  move_names(served, {found.at()}, [&] { remove_name(found.at()); });
  parting.done();
  attempting.done();
  if (frees) changing.orphaned(found.node(), *found.seen());
}

void remove(fuse_req_t request, NodeId parent, const char* name, void (*remove_name)(At)) {
  answer(request, [&](Served& served) {
    if (!was_done()) remove_once(served, parent, name, remove_name);
    fuse_reply_err(request, 0);
  });
}

// Two names of one node: rename(2) has nothing to do then.
bool is_same_file(Served& served, const Found& from, NodeId parent, const char* name) {
  const auto no_break = served.held_names.look(parent, name);
  const auto to = find_at(served.addresses.of(parent, name).at());
  return from.seen() && to && to->st_ino == from.seen()->st_ino && to->st_dev == from.seen()->st_dev &&
         served.nodes.find(parent, name, *to) == from.node();
}

struct Spot {
  NodeId parent;
  const char* name;
};

AttemptNote moving(Attempted what, Served& served, const Found& from, const Found& to, Spot old_spot, Spot new_spot) {
  if (!from.seen()) return {};
  auto attempt = attempt_at(what, old_spot.parent, old_spot.name, new_spot.parent, new_spot.name);
  attempt.ino = from.seen()->st_ino;
  attempt.other_ino = to.seen() ? to.seen()->st_ino : 0;
  note_node(attempt, served.nodes, from.id());
  note_other(attempt, served.nodes, to.id());
  return attempt;
}

void tell_exchanged(Served& served, const Found& from, const Found& to, Spot old_spot, Spot new_spot) {
  if (from.id() != 0 && to.id() != 0) return served.nodes.exchange(from.id(), to.id());
  if (from.id() != 0) served.nodes.rename(from.id(), new_spot.parent, new_spot.name);
  if (to.id() != 0) served.nodes.rename(to.id(), old_spot.parent, old_spot.name);
}

void exchange_names(Served& served, const Found& from, const Found& to, Spot old_spot, Spot new_spot) {
  Attempting attempting(moving(Attempted::trading, served, from, to, old_spot, new_spot));
  move_names(served, {from.at(), to.at()}, [&] { rename_at(from.at(), to.at(), RENAME_EXCHANGE); });
  tell_exchanged(served, from, to, old_spot, new_spot);
  attempting.done();
}

// Of two names that a race left to one shared inode the kernel would move none: to the guest they are two files.
void move_at(const Found& from, const Found& to, unsigned flags) {
  const bool is_one_inode = from.seen() && to.seen() && from.seen()->st_ino == to.seen()->st_ino &&
                            from.seen()->st_dev == to.seen()->st_dev && from.node() != to.node();
  if (is_one_inode && (flags & RENAME_NOREPLACE) == 0) return remove_at(from.at());
  rename_at(from.at(), to.at(), flags);
}

void move_name(Served& served, Changing& changing, const Found& from, const Found& to, Spot old_spot, Spot spot,
               unsigned flags) {
  const bool frees = counted_by_its_name(served, to);
  Parting parting(served, to);
  auto attempt = moving(Attempted::moving, served, from, to, old_spot, spot);
  attempt.still_linked = parting.still_linked();
  Attempting attempting(attempt);
  move_names(served, {from.at(), to.at()}, [&] { move_at(from, to, flags); });
  parting.done();
  if (from.id() != 0) served.nodes.rename(from.id(), spot.parent, spot.name);
  attempting.done();
  if (frees) changing.orphaned(to.node(), *to.seen());
  if ((flags & RENAME_WHITEOUT) != 0 && changing.counts()) changing.born(stat_at(from.at()));
}

// A name where there was none may need the directory's next block; one that is taken over has its place.
Amount most_of_move(const Found& to, unsigned flags) {
  return {to.seen() ? 0 : block_bytes, (flags & RENAME_WHITEOUT) != 0 ? 1U : 0U};
}

void rename_once(Served& served, Spot old_spot, Spot new_spot, unsigned flags) {
  const Found from(served, old_spot.parent, old_spot.name);
  if (is_same_file(served, from, new_spot.parent, new_spot.name))
    return rename_at(from.at(), served.addresses.of(new_spot.parent, new_spot.name).at(), flags);
  const Found to(served, new_spot.parent, new_spot.name);
  Changing changing(served, most_of_move(to, flags), {new_spot.parent, old_spot.parent});
  if ((flags & RENAME_EXCHANGE) != 0)
    exchange_names(served, from, to, old_spot, new_spot);
  else
    move_name(served, changing, from, to, old_spot, new_spot, flags);
}

AttemptNote linking(Served& served, NodeId parent, const char* name, At to, NodeId id) {
  if (find_at(to)) return {};
  auto attempt = attempt_at(Attempted::linking, parent, name);
  attempt.ino = served.nodes.at(id).ino;
  return attempt;
}

void link_once(Served& served, fuse_req_t request, NodeId id, NodeId parent, const char* name) {
  const auto current = served.cow.before_write(id, Keep::all, given_up(request));
  const Changing changing(served, {block_bytes, 0}, {parent});
  const auto from = served.addresses.of(current);
  const auto to = served.addresses.of(parent, name);
  Attempting attempting(linking(served, parent, name, to.at(), current));
  link_at(from.at(), to.at());
  attempting.done();
  served.allowance.named(current);
}

}  // namespace

void serve_unlink(fuse_req_t request, fuse_ino_t parent, const char* name) { remove(request, parent, name, remove_at); }

void serve_rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
  remove(request, parent, name, remove_directory_at);
}

void serve_rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent, const char* new_name,
                  unsigned flags) {
  answer(request, [&](Served& served) {
    if (!was_done()) rename_once(served, {parent, name}, {new_parent, new_name}, flags);
    fuse_reply_err(request, 0);
  });
}

void serve_link(fuse_req_t request, fuse_ino_t id, fuse_ino_t parent, const char* name) {
  answer(request, [&](Served& served) {
    expect_visible(served, parent, name);
    const NodeLock lock(served.nodes, id);
    if (!was_done()) link_once(served, request, id, parent, name);
    reply_entry(served, request, parent, name);
  });
}

}  // namespace vunify
