// SPDX-License-Identifier: Apache-2.0
#include "change/keeper_link.h"

#include <algorithm>
#include <cassert>
#include <optional>

#include "change/protect_again.h"
#include "sys/fine_ctime.h"
#include "sys/handle.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "sys/mount.h"
#include "sys/urgent.h"

namespace vunify {
namespace {

constexpr std::size_t exposed_names = 8;  // that a keeper may be given between two moments of protection

}  // namespace

bool LinkResult::has_linked() const {
  const auto is_linked = [](const LinkedVictim& victim) { return victim.end == LinkEnd::linked; };
  return std::cmp_greater_equal(std::ranges::count_if(victims, is_linked), least);
}

LinkGround ground_of(int staging) { return {mount_id(staging), has_fine_ctime(staging)}; }

KeeperLink::KeeperLink(LinkRequest request, const LinkGround& ground, const std::function<StagedName()>& stage)
    : request_(std::move(request)), ground_(ground) {
  result_.victims.resize(request_.victims.size());
  if (request_.is_fresh && request_.victims.size() > 1) result_.least = 2;
  for (const auto& victim : request_.victims) {
    auto& passages = passages_.emplace_back();
    for (std::size_t n = 0; n < victim.names.size(); ++n) passages.push_back({stage()});
  }
}

JournaledSet KeeperLink::journaled(const std::string& staging, const std::string& fs) const {
  const auto& stamp = request_.keeper.seen.stamp;
  JournaledSet set{.intent = Intent::link,
                   .staging = staging,
                   .fs = fs,
                   .root = request_.keeper_name.root->host_path(),
                   .path = request_.keeper_name.path,
                   .keeper = request_.keeper_id.ino,
                   .handle = handle_of(keeper()),
                   .size = stamp.size,
                   .mtime = stamp.mtime,
                   .protection = request_.protection};
  for (std::size_t i = 0; i < request_.victims.size(); ++i) {
    const auto& [held, names, was_shared] = request_.victims[i];
    for (std::size_t n = 0; n < names.size(); ++n)
      set.names.push_back({.staged = passages_[i][n].staged.leaf,
                           .root = names[n].root->host_path(),
                           .path = names[n].path,
                           .before = request_.keeper_id.ino,
                           .after = held.seen.ino,
                           .directory_mtime = passages_[i][n].directory.stamp.mtime});
  }
  return set;
}

void KeeperLink::open_names() {
  for_each_linked([this](std::size_t i) {
    for (std::size_t n = 0; n < passages_[i].size(); ++n) {
      auto& passage = passages_[i][n];
      const auto& guest_name = request_.victims[i].names[n];
      if (passage.name) continue;
      passage.name = open_name(*guest_name.root, guest_name.path);
      passage.directory = stat_fd(passage.name->dir.get());
    }
  });
}

void KeeperLink::leave_all(LinkEnd end, const std::error_code& error) {
  for (auto& victim : result_.victims) victim = {end, error};
}

void KeeperLink::lift() {
  if (must_lift(request_.protection)) unprotect(keeper());
}

// Bare for a moment: ext4 lets nothing be changed of what is immutable, and the guard keeps flags, too. Who wants to
// write to it then waits for the lease until finish(), and what was changed of its metadata is given back.
void KeeperLink::change_protection() const {
  const auto before = protection_of(keeper());
  if (before == request_.protection) return;
  unprotect(keeper());
  try {
    vunify::protect(keeper(), request_.protection);
  } catch (const std::system_error&) {
    protect_shared_again(before == Protection::iunlink ? Protection::immutable : before);
    throw;
  }
  protect_shared_again(request_.protection);
  if (!is_protected(keeper(), request_.protection)) throw std::system_error(ETXTBSY, std::generic_category());
}

void KeeperLink::protect_shared_again(Protection protection) const {
  const auto& held = request_.keeper;
  vunify::protect_shared_again(keeper(), protection, held.metadata, held.seen.stamp.mtime);
}

// One victim's work has one catch. A full disk stops all that follow.
template <typename Step>
void KeeperLink::for_each_linked(const Step& step) {
  for (std::size_t i = 0; i < request_.victims.size(); ++i) {
    if (!is_linked(i)) continue;
    try {
      step(i);
    } catch (const std::system_error& error) {
      result_.disk_full |= is_disk_full(error);
      is_protected_ ? undo_late(i, LinkEnd::failed, error.code()) : undo(i, LinkEnd::failed, error.code());
    }
  }
}

// False where a guest's attributes or quota are in the way: whether the disk is full, staging tells.
bool KeeperLink::mark() const {
  try {
    if (!request_.was_shared) set_mark(keeper(), request_.keeper_id);
    return true;
  } catch (const std::system_error& error) {
    if (is_disk_full(error) || is_error(error, E2BIG)) return false;
    throw;
  }
}

// Marked, nobody's, and protected where that does not keep names from being added. It is marked first: where we are
// killed then, the mark tells recovery that its guest's tag is to be given back. One that was shared under another
// protection gets this one.
void KeeperLink::begin() {
  if (request_.was_shared) change_protection();
  if (request_.was_shared) lift();
  if (!mark()) return leave_all(LinkEnd::unmarked);
  set_project_id(keeper(), 0);
  if (!must_lift(request_.protection)) vunify::protect(keeper(), request_.protection);
}

// Calls undo for each victim that is linked still, where they are too few.
template <typename Undo>
void KeeperLink::undo_too_few(const Undo& undo) {
  if (result_.has_linked()) return;
  for (std::size_t i = 0; i < request_.victims.size(); ++i)
    if (is_linked(i)) undo(i);
}

void KeeperLink::run() {
  prepare();
  {
    std::optional<Urgent> while_bare;
    if (must_lift(request_.protection)) while_bare.emplace();
    exchange();
    protect();
  }
  check();
}

void KeeperLink::prepare() {
  assert(!is_begun_ && request_.keeper.lease);
  undo_too_few([this](std::size_t i) { leave(i, LinkEnd::left_alone); });
  if (!result_.has_linked()) return;
  open_names();
  auto& lease = request_.keeper.lease;
  const auto before = stat_fd(keeper());
  if (!lease->pin() || !request_.keeper.is_still(before, request_.was_shared)) {
    leave_all(LinkEnd::changed);
    lease.reset();
    return;
  }
  is_begun_ = is_pinned_ = true;
  planned_links_ = before.nlink;
  bytes_before_ = request_.is_fresh ? 0 : before.bytes_on_disk();
  try {
    begin();
    // Opened through a view of its guest, the keeper is on another mount than staging, where it is to be linked.
    if (before.mount != ground_.mount) linkable_ = hold_on_mount_of(passages_.front().front().staged.dir, keeper());
  } catch (const std::system_error& error) {
    if (is_error(error, ETXTBSY)) return withdraw(LinkEnd::changed);
    result_.disk_full = is_disk_full(error);
    if (!must_lift(request_.protection)) return withdraw(LinkEnd::failed, error.code());
    return leave_all(LinkEnd::failed, error.code());
  }
  for_each_linked([this](std::size_t i) { prepare_names(i); });
  undo_too_few([this](std::size_t i) { undo(i, LinkEnd::left_alone); });
}

// A kernel with iunlink protects nothing that somebody is about to write to, and a guard may be full: nothing was
// lifted. It is as it was; but what came from iunlink may be immutable by now, until the next run
// (change_protection()).
void KeeperLink::withdraw(LinkEnd end, const std::error_code& error) {
  leave_all(end, error);
  is_begun_ = false;
  release_unlinked_keeper();
}

void KeeperLink::prepare_names(std::size_t i) {
  auto& victim = request_.victims[i];
  if (!victim.held.lease->pin()) return undo(i, LinkEnd::changed);
  for (auto& passage : passages_[i]) {
    prepare_link(linkable(), passage.staged);
    passage.is_prepared = true;
    ++planned_links_;
    if (request_.was_shared) bound_exposure();  // else nobody but its own guest can reach it yet
  }
}

void KeeperLink::exchange() {
  if (!is_begun_) return;
  for_each_linked([this](std::size_t i) { exchange_names(i); });
}

void KeeperLink::exchange_names(std::size_t i) {
  const auto& victim = request_.victims[i];
  if (victim.was_shared && must_lift(request_.protection)) unprotect(victim.held.fd.get());
  for (std::size_t n = 0; n < passages_[i].size(); ++n) {
    const auto end = exchange_name(i, n);
    if (end != LinkEnd::linked) return undo(i, end);
    bound_exposure();
  }
}

// However many names it is given, no guest can reach the unprotected keeper of another for longer than a few of them
// take.
void KeeperLink::bound_exposure() {
  if (++exposed_ % exposed_names != 0 || !must_lift(request_.protection)) return;
  protect_keeper();
  lift();
}

// Linked, or changed where the guest has put something else there.
LinkEnd KeeperLink::exchange_name(std::size_t i, std::size_t n) {
  const auto& passage = passages_[i][n];
  assert(passage.name && passage.is_prepared);
  const auto hold = hold_live(request_.victims[i].names[n], *passage.name, request_.victims[i].held.seen.ino);
  if (hold.state() == Hold::State::silent) return LinkEnd::unanswered;
  if (hold.state() == Hold::State::in_use || !hold.is_fresh()) return LinkEnd::in_use;
  // Exchanged back it would show its guest the keeper for a moment: better seen before.
  const auto there = stat_name(passage.name->dir.get(), passage.name->leaf.c_str());
  if (!there || !is_before_exchange(i, n, *there)) return LinkEnd::changed;
  return exchange_held(i, n, *there) ? LinkEnd::linked : LinkEnd::changed;
}

bool KeeperLink::exchange_held(std::size_t i, std::size_t n, const Inode& there) {
  auto& passage = passages_[i][n];
  vunify::exchange(passage.staged, *passage.name, passage.directory);
  passage.came_out = stat_staged(passage.staged);
  return passage.came_out.ino == there.ino;
}

// Nobody has changed it since it was proven, or since its name before this one came out. The ctime of a shared inode
// moves with every name that another guest removes: its metadata is read later.
bool KeeperLink::is_before_exchange(std::size_t i, std::size_t n, const Inode& there) const {
  const auto& [held, names, was_shared] = request_.victims[i];
  const auto& last = n == 0 ? held.seen : passages_[i][n - 1].came_out;
  return there.ino == held.seen.ino && (was_shared || there.stamp.ctime == last.stamp.ctime);
}

Protected KeeperLink::protect_as_proven(const Held& held) const {
  return protect_again(held.fd.get(), request_.protection, held.metadata, held.seen.stamp.mtime);
}

void KeeperLink::protect_keeper() {
  const auto [as_proven, seen] = protect_as_proven(request_.keeper);
  is_as_proven_ &= as_proven;
  keeper_seen_ = seen;
}

void KeeperLink::protect() {
  if (!is_begun_) return;
  protect_keeper();
  is_protected_ = true;
}

void KeeperLink::check() {
  if (!is_begun_) return;
  const bool all = is_as_proven_ && keeper_is_as_planned();
  for (std::size_t i = 0; i < request_.victims.size(); ++i)
    if (is_linked(i) && !(all && victim_came_out_as_planned(i))) undo_protected(i, LinkEnd::changed);
  undo_too_few([this](std::size_t i) { undo_protected(i, LinkEnd::left_alone); });
  release_unlinked_keeper();
  for (auto& passages : passages_)
    for (auto& passage : passages) passage.name.reset();
  const auto bytes = keeper_seen_.bytes_on_disk();
  if (bytes > bytes_before_) result_.grown_bytes = bytes - bytes_before_;
}

// Nobody made further links of the keeper, through whichever of its names, and no writer waits.
bool KeeperLink::keeper_is_as_planned() const {
  return request_.keeper.lease->has_no_writer() && keeper_seen_.nlink <= planned_links_;
}

// All its names are out of the guest, it looked as proven when the last one came, and nobody is about to write to it.
bool KeeperLink::victim_came_out_as_planned(std::size_t i) const {
  const auto& held = request_.victims[i].held;
  const auto& out = passages_[i].back().came_out;
  return out.nlink == passages_[i].size() && looks_like(out, held.metadata) && held.lease->has_no_writer();
}

// And so it is still: nothing happened to it, or what did is not seen in its metadata.
bool KeeperLink::victim_is_as_planned(std::size_t i) const {
  const auto& [held, names, was_shared] = request_.victims[i];
  const int fd = held.fd.get();
  const auto now = stat_fd(fd);
  const bool is_still =
      ground_.fine_ctime && !was_shared && now.stamp.ctime == passages_[i].back().came_out.stamp.ctime;
  return now.nlink == names.size() && held.lease->is_unwritten() &&
         (is_still || read_metadata(fd, now, inode_flags(fd)) == held.metadata);
}

// Somebody passed the kernel's permission check before the keeper was protected: he is counted as a writer of it, or
// waits for its lease by now.
bool KeeperLink::keeper_is_awaited() const { return request_.keeper.lease && !request_.keeper.lease->is_unwritten(); }

void KeeperLink::remove_victim(std::size_t i) {
  assert(is_linked(i) && request_.victims[i].held.lease);
  const int fd = request_.victims[i].held.fd.get();
  for (const auto& passage : passages_[i]) remove_staged(passage.staged);
  // Nobody reaches it by a name any more: what was changed by a descriptor until now is seen here, and not lost.
  if (read_metadata(fd) != request_.victims[i].held.metadata) give_copies(i);
}

void KeeperLink::turn_away_from(const Lease& lease) {
  if (!lease.has_no_writer() && !lease.turn_away()) result_.has_writer_left = true;
}

// Who came to its lease may have come by a name that leads elsewhere again, or before it was protected.
void KeeperLink::turn_away_from_keeper() {
  const auto& lease = *request_.keeper.lease;
  if (!keeper_is_private()) return turn_away_from(lease);
  if (!lease.has_no_writer() && !lease.turn_away_once()) result_.has_writer_left = true;
}

// Who had looked the name up before the exchange, and comes only now, looks it up again.
void KeeperLink::let_go(std::size_t i) {
  auto& held = request_.victims[i].held;
  if (is_linked(i) && !held.lease->become_exclusive()) {
    result_.freed_when_closed += stat_fd(held.fd.get()).bytes_on_disk();
    turn_away_from(*held.lease);
  }
  held.close();
}

// What was opened before the exchange may have been changed through its descriptor since it was checked.
void KeeperLink::look_again() {
  for (std::size_t i = 0; i < request_.victims.size(); ++i)
    if (is_linked(i) && !victim_is_as_planned(i)) undo_late(i, LinkEnd::changed);
  undo_too_few([this](std::size_t i) { undo_late(i, LinkEnd::left_alone); });
}

LinkResult KeeperLink::finish() {
  // Undoing one lifts the keeper's protection again, for a moment: who came then is seen, too.
  const bool awaited = keeper_is_awaited();
  for_each_linked([&](std::size_t i) { awaited ? undo_late(i, LinkEnd::changed) : remove_victim(i); });
  // The keeper is a private copy for the one that is left.
  undo_too_few([this](std::size_t i) { leave(i, LinkEnd::left_alone); });
  if (is_begun_ && request_.is_fresh) release_unlinked_keeper();
  for (std::size_t i = 0; i < request_.victims.size(); ++i) let_go(i);
  if (is_pinned_ && request_.keeper.lease) turn_away_from_keeper();
  request_.keeper.lease.reset();
  return std::move(result_);
}

}  // namespace vunify
