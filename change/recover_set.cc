// SPDX-License-Identifier: Apache-2.0
#include "change/recover_set.h"

#include <algorithm>
#include <string>

#include "change/last_name.h"
#include "change/metadata.h"
#include "change/put_back.h"
#include "change/undo_link.h"
#include "sys/handle.h"
#include "sys/lease.h"
#include "sys/mark.h"
#include "sys/same_bytes.h"
#include "sys/wait_together.h"

namespace vunify {
namespace {

std::optional<Fd> open_inode(const std::string& root, const std::string& path, std::uint64_t ino, OnLease on_lease) {
  try {
    return RootDir(root).open_inode(path, ino, on_lease);
  } catch (const std::system_error& error) {
    if (is_error(error, EWOULDBLOCK)) throw;
    return std::nullopt;
  }
}

// Through its handle; else through whatever name still leads to it. Nothing where it is gone.
std::optional<Fd> open_keeper(const JournaledSet& set, int staging, OnLease on_lease) {
  if (!set.handle.empty()) return open_handle(staging, set.handle, on_lease);
  if (auto fd = open_inode(set.root, set.path, set.keeper, on_lease)) return fd;
  for (const auto& name : set.names)
    if (auto fd = open_inode(name.root, name.path, set.keeper, on_lease)) return fd;
  return std::nullopt;
}

// Whoever is marked, be it stale, and has several names is shared still: protected again. A last name is its guest's
// own. What is not marked was never protected by us; where the guard is not loaded, nothing of its is.
void protect_again(int fd, const JournaledSet& set) {
  if (has_mark(fd) && !release_last_name(fd, set) && can_protect(set.protection)) protect_bare(fd, set.protection);
}

std::string text_of(const JournaledName& name) {
  return name.root.empty() ? "unknown" : join_path(name.root, name.path);
}

class SetRecovery {
 public:
  SetRecovery(const JournaledSet& set, const Staging& staging, LiveGuests& live, Recovery& recovery)
      : set_(set), staging_(staging), live_(live), recovery_(recovery) {
    if (set.intent != Intent::keep) keeper_ = open_keeper(set, staging.fd(), OnLease::fail);
  }

  // Returns the names that could not be dealt with: the next start tries again.
  std::vector<JournaledName> run() {
    // Of a batch that is long over nothing is staged, and its keeper is in guests' use.
    if (keeper_ && must_lift(set_.protection) && any_is_staged() && has_mark(keeper_->get())) unprotect(keeper_->get());
    LinkUndo link(set_, keeper_ && any_is_staged() ? keeper_->get() : -1);
    std::vector<JournaledName> later;
    for (const auto& name : set_.names) {
      try {
        const auto hold = hold_shown(name);
        recover(name, link);
      } catch (const std::system_error& error) {
        keep(name.staged, error.what());
        later.push_back(name);
      }
    }
    if (keeper_) protect_again(keeper_->get(), set_);
    link.let_go();
    if (set_.intent == Intent::link) protect_victims_again();
    return later;
  }

 private:
  bool any_is_staged() const {
    return std::ranges::any_of(set_.names, [this](const JournaledName& name) {
      return stat_name(staging_.fd(), name.staged.c_str()).has_value();
    });
  }

  // Throws EBUSY where a vcow that shows the guest does not let us have it.
  Hold hold_shown(const JournaledName& name) {
    const auto* live = live_.at(name.root);
    const bool is_there = stat_name(staging_.fd(), name.staged.c_str()).has_value();
    if (live == nullptr || !is_there) return Hold::of_nobody();
    auto hold = hold_as_it_is(*live, name.root, name.path);
    if (hold.state() != Hold::State::held)
      throw std::system_error(EBUSY, std::generic_category(), "the vcow that shows " + text_of(name));
    return hold;
  }

  void recover(const JournaledName& name, LinkUndo& link) {
    const StagedName staged{staging_.fd(), name.staged};
    const auto held = stat_name(staged.dir, staged.leaf.c_str());
    if (!held) return;
    if (set_.intent == Intent::keep) return keep(name.staged, "was kept at an earlier start: " + text_of(name));
    ++recovery_.names;
    const bool untouched = name.before == 0 || held->ino == name.before;
    if (untouched && set_.intent == Intent::copy && name.before != 0) follow(staged, name);
    if (untouched || (set_.intent == Intent::copy && held->ino == name.after)) return clear(staged);
    if (held->immutable && held->ino == name.after) lift(staged);
    tell(name, set_.intent == Intent::link ? link.undo(staged, name) : undo_copy(staged, name));
  }

  static void clear(const StagedName& staged) {
    if (stat_name(staged.dir, staged.leaf.c_str())) remove_staged(staged);
  }

  bool leads_to(const JournaledName& name, std::uint64_t ino) const {
    return open_inode(name.root, name.path, ino, OnLease::fail).has_value();
  }

  // Names that a guest linked itself were to get one copy, and another of them has it: this one follows, so that they
  // stay one file, unless the guest told them apart meanwhile. Else it stays where it is.
  void follow(const StagedName& staged, const JournaledName& name) const {
    const auto is_led = [&](const JournaledName& other) {
      return &other != &name && other.before == name.before && leads_to(other, name.before);
    };
    if (!keeper_ || std::ranges::none_of(set_.names, is_led) || !leads_to(name, name.after)) return;
    const Fd copy = open_staged(staged);
    auto lease = Lease::take(keeper_->get());
    if (!lease || !lease->pin() || read_metadata(copy.get()) != read_metadata(keeper_->get()) ||
        !same_bytes(copy.get(), keeper_->get()))
      return;
    const auto guest = open_name(RootDir(name.root), name.path);
    exchange(staged, guest);
    const auto out = stat_staged(staged).ino;
    if (out != name.after || !lease->is_unwritten()) put_back(staged, guest, out, name.before);
  }

  void tell(const JournaledName& name, LinkUndo::End end) {
    if (end == LinkUndo::End::restless) keep(name.staged, "its guest keeps changing the name " + text_of(name));
    if (end == LinkUndo::End::unproven)
      keep(name.staged, "may be " + text_of(name) + ", which is not found, as it was before the interruption");
    if (end == LinkUndo::End::newer)
      keep(name.staged + std::string(newer_suffix),
           text_of(name) + " showed this, which somebody wrote after the interruption; it is now as it was before");
  }

  // A victim that was shared itself, and was protected again before we were interrupted once more.
  void lift(const StagedName& staged) const {
    if (!must_lift(set_.protection)) return;
    const Fd fd = open_staged(staged);
    if (has_mark(fd.get())) unprotect(fd.get());
  }

  // The guest had replaced its file before it was to get a copy: what it put there goes back, unless the copy that its
  // name shows is its own newest by now.
  LinkUndo::End undo_copy(const StagedName& staged, const JournaledName& name) const {
    const auto copy = open_inode(name.root, name.path, name.before, OnLease::fail);
    if (!copy || !keeper_ || !agree(read_metadata(copy->get()), read_metadata(keeper_->get()), true) ||
        !same_bytes(copy->get(), keeper_->get()))
      return LinkUndo::End::unproven;
    const auto guest = open_name(RootDir(name.root), name.path);
    return put_back(staged, guest, stat_staged(staged).ino, name.before) ? LinkUndo::End::done
                                                                         : LinkUndo::End::restless;
  }

  // Two keepers were to become one: the one that was given up is shared still. One that a guest leases is left to the
  // run that follows, which finds it marked and not protected.
  void protect_victims_again() const {
    for (const auto& name : set_.names) {
      try {
        if (const auto victim = open_inode(name.root, name.path, name.after, OnLease::fail))
          protect_again(victim->get(), set_);
      } catch (const std::system_error& error) {
        if (!is_error(error, EWOULDBLOCK)) throw;
      }
    }
  }

  void keep(const std::string& leaf, const std::string& reason) {
    recovery_.kept.push_back({staging_.path() + "/" + leaf, reason});
  }

  const JournaledSet& set_;
  const Staging& staging_;
  LiveGuests& live_;
  Recovery& recovery_;
  std::optional<Fd> keeper_;
};

}  // namespace

// A keeper that a guest leases is held open meanwhile: then it cannot be leased again.
std::vector<Fd> hold_leased_keepers(const std::vector<JournaledSet>& sets, int staging) {
  std::vector<const JournaledSet*> leased;
  for (const auto& set : sets) {
    try {
      if (set.intent != Intent::keep) open_keeper(set, staging, OnLease::fail);
    } catch (const std::system_error& error) {
      if (is_error(error, EWOULDBLOCK)) leased.push_back(&set);
    }
  }
  std::vector<Fd> held(leased.size());
  wait_together(leased.size(), [&](std::size_t i) {
    try {
      if (auto fd = open_keeper(*leased[i], staging, OnLease::wait)) held[i] = std::move(*fd);
    } catch (const std::system_error&) {
      return;  // its own recovery meets it again, and tells it
    }
  });
  return held;
}

std::optional<JournaledSet> recover_set(const JournaledSet& set, const Staging& staging, LiveGuests& live,
                                        Recovery& recovery) {
  auto rest = set;
  try {
    rest.names = SetRecovery(set, staging, live, recovery).run();
    if (rest.names.empty()) return std::nullopt;
  } catch (const std::system_error& error) {
    recovery.kept.push_back({join_path(set.root, set.path), error.what()});
  }
  return rest;
}

}  // namespace vunify
