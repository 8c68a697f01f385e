// SPDX-License-Identifier: Apache-2.0
#include "unify/link_set.h"

#include <algorithm>
#include <optional>

#include "sys/handle.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "sys/mount.h"
#include "unify/put_back.h"

namespace vunify {
namespace {

Verdict verdict_of(const std::system_error& error) {
  switch (error.code().value()) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
      return Verdict::vanished;
    case EXDEV:
      return Verdict::other_mount;
    case EMLINK:
      return Verdict::link_limit;
    case EPERM:
      return Verdict::own_flags;  // the guest made it, or its directory, immutable
    default:
      return Verdict::unreadable;
  }
}

bool is_disk_full(const std::system_error& error) { return is_error(error, ENOSPC) || is_error(error, EDQUOT); }

bool is_linked(const Victim& victim) { return victim.verdict == Verdict::shared; }

constexpr int most_restores = 16;  // each lost to a chmod in the microseconds between two calls

// False where a guest reached the inode's metadata while it was not protected. It is given back then, for nobody can
// tell through whose name it was set, until protection and metadata are both as they were.
bool protect_as_proven(const Held& held, Protection protection) {
  const int fd = held.fd.get();
  for (int tries = 0; tries < most_restores; ++tries) {
    protect(fd, protection);
    if (read_policy(fd) == held.policy) return tries == 0;
    if (!must_lift(protection)) return false;  // protected before its first other name: the change is its own guest's
    unprotect(fd);
    restore_policy(fd, held.policy, held.seen.stamp.mtime);
  }
  protect(fd, protection);
  return false;
}

// It is shared by several guests: who came to its lease while it was not protected must not write to it.
void protect_again(const Victim& victim, Protection protection) {
  protect_as_proven(victim.held, protection);
  if (victim.held.lease && !victim.held.lease->held()) victim.held.lease->turn_away();
}

// Whom nothing was led to is its guest's own again, unless a guest made a name of it meanwhile: then it stays
// protected, and the next run gives that name an inode of its own.
void release_keeper(const LinkTask& task) {
  const int keeper = task.keeper.fd.get();
  if (task.was_shared || stat_fd(keeper).nlink > task.keeper.seen.nlink) return;
  if (std::ranges::any_of(task.victims, is_linked)) return;
  unprotect(keeper);
  clear_mark(keeper);
}

class SetLinker {
 public:
  explicit SetLinker(LinkTask& task) : task_(task), names_(task.victims.size()), prepared_(task.victims.size()) {}

  void run() {
    if (!keeper_is_ready()) return refuse_all(Verdict::changed);
    const auto before = stat_fd(keeper());
    planned_links_ = before.nlink;
    lift();
    try {
      if (!task_.was_shared) set_mark(keeper(), task_.keeper_id);
      if (!must_lift(task_.protection)) protect(keeper(), task_.protection);
      hold_on_mount_of_staging();
      for_each_victim([this](std::size_t i) { prepare(i); });
      for_each_victim([this](std::size_t i) { exchange_names(i); });
    } catch (const std::system_error& error) {
      fail_all(error);
    }
    const bool as_proven = protect_as_proven(task_.keeper, task_.protection);
    check(as_proven);
    release_keeper(task_);
    const auto after = stat_fd(keeper());
    if (after.blocks > before.blocks) task_.grown_bytes = after.bytes_on_disk() - before.bytes_on_disk();
  }

 private:
  int keeper() const { return task_.keeper.fd.get(); }

  // Opened through a view of its guest, the keeper is on another mount than staging, where it is to be linked.
  void hold_on_mount_of_staging() {
    const int staging = task_.victims.front().staged.front().dir;
    if (mount_id(staging) != mount_id(keeper())) linkable_ = hold_on_mount_of(staging, keeper());
  }
  int linkable() const { return linkable_ ? linkable_.get() : keeper(); }

  void lift() {
    if (must_lift(task_.protection)) unprotect(keeper());
  }

  // Metadata may have changed since it was proven; a lease does not tell. A shared inode's ctime moves with its names.
  bool keeper_is_ready() {
    if (!task_.keeper.lease->pin()) return false;
    if (task_.was_shared) return read_policy(keeper()) == task_.keeper.policy;
    return stat_fd(keeper()).stamp.ctime == task_.keeper.seen.stamp.ctime;
  }

  bool victim_is_ready(Victim& victim) {
    if (!victim.held.lease->pin()) return false;
    return victim.was_shared || stat_fd(victim.held.fd.get()).stamp.ctime == victim.held.seen.stamp.ctime;
  }

  // One victim's work has one catch. A full disk stops all that follow.
  template <typename Work>
  void for_each_victim(const Work& work) {
    for (std::size_t i = 0; i < task_.victims.size(); ++i) {
      auto& victim = task_.victims[i];
      if (victim.verdict != Verdict::shared) continue;
      try {
        work(i);
      } catch (const std::system_error& error) {
        fail(i, error);
      }
    }
  }

  void fail(std::size_t i, const std::system_error& error) {
    task_.disk_full |= is_disk_full(error);
    take_back(i, verdict_of(error));
    task_.victims[i].reason = error.code().message();
  }

  void fail_all(const std::system_error& error) {
    for (std::size_t i = 0; i < task_.victims.size(); ++i)
      if (task_.victims[i].verdict == Verdict::shared) fail(i, error);
  }

  void refuse_all(Verdict verdict) {
    for (auto& victim : task_.victims) victim.verdict = verdict;
    task_.keeper.lease.reset();
  }

  void prepare(std::size_t i) {
    auto& victim = task_.victims[i];
    if (!victim_is_ready(victim)) return take_back(i, Verdict::changed);
    for (const auto& name : victim.names) names_[i].push_back(open_name(*name.root, name.path));
    for (const auto& staged : victim.staged) {
      prepare_link(linkable(), staged);
      ++prepared_[i];
      ++planned_links_;
    }
  }

  void exchange_names(std::size_t i) {
    auto& victim = task_.victims[i];
    if (victim.was_shared && must_lift(task_.protection)) unprotect(victim.held.fd.get());
    for (std::size_t n = 0; n < names_[i].size(); ++n) {
      const auto& name = names_[i][n];
      // Exchanged back it would show its guest the keeper for a moment: better seen before.
      const auto there = stat_name(name.dir.get(), name.leaf.c_str());
      if (!there || there->ino != victim.held.seen.ino) return take_back(i, Verdict::changed);
      exchange(victim.staged[n], name);
      // The guest put something else there: it goes back before the keeper's protection could be felt.
      if (stat_staged(victim.staged[n]).ino != victim.held.seen.ino) return take_back(i, Verdict::changed);
    }
  }

  void check(bool as_proven) {
    if (!as_proven || !keeper_is_as_planned()) return take_back_all(Verdict::changed);
    for (std::size_t i = 0; i < task_.victims.size(); ++i)
      if (task_.victims[i].verdict == Verdict::shared && !victim_is_as_planned(i)) relift_and_take_back(i);
  }

  // Nobody made further links of the keeper, through whichever of its names, and no writer waits.
  bool keeper_is_as_planned() const { return task_.keeper.lease->held() && stat_fd(keeper()).nlink <= planned_links_; }

  // The leased inode, whose names are all out of the guest, is as it was proven, and nobody waits to write to it.
  bool victim_is_as_planned(std::size_t i) const {
    const auto& held = task_.victims[i].held;
    const int fd = held.fd.get();
    const auto now = stat_fd(fd);
    return now.nlink == task_.victims[i].names.size() && held.lease->held() &&
           read_policy(fd, now, inode_flags(fd)) == held.policy;
  }

  void relift_and_take_back(std::size_t i) {
    lift();
    take_back(i, Verdict::changed);
    protect_as_proven(task_.keeper, task_.protection);
  }

  void take_back_all(Verdict verdict) {
    lift();
    for (std::size_t i = 0; i < task_.victims.size(); ++i)
      if (task_.victims[i].verdict == Verdict::shared) take_back(i, verdict);
    protect_as_proven(task_.keeper, task_.protection);
  }

  // Whatever of it was exchanged goes back, whatever was prepared goes away; then its lease is dropped.
  void take_back(std::size_t i, Verdict verdict) {
    auto& victim = task_.victims[i];
    victim.verdict = verdict;
    for (std::size_t n = 0; n < prepared_[i]; ++n) {
      if (!undo(victim.staged[n], i, n)) task_.kept.push_back(victim.staged[n].leaf);
    }
    if (victim.was_shared) protect_again(victim, task_.protection);
    victim.held.lease.reset();
  }

  bool undo(const StagedName& staged, std::size_t i, std::size_t n) {
    try {
      const auto held = stat_name(staged.dir, staged.leaf.c_str());
      if (!held) return true;
      if (held->ino != task_.keeper.seen.ino) return put_back(staged, names_[i][n], held->ino, task_.keeper.seen.ino);
      remove_staged(staged);
      return true;
    } catch (const std::system_error&) {
      return false;
    }
  }

  LinkTask& task_;
  Fd linkable_;                           // the keeper on the mount of staging, where it was opened on another
  std::vector<std::vector<Name>> names_;  // of each victim, opened
  std::vector<std::size_t> prepared_;     // how many of its names are in staging
  std::uint64_t planned_links_ = 0;       // more of them: somebody else linked the keeper
};

// The last look: since the exchange nobody opened it for writing, and no guest linked it somewhere else.
bool is_still_ours(const Victim& victim) {
  return victim.held.lease->held() && stat_fd(victim.held.fd.get()).nlink == victim.staged.size();
}

// Somebody passed the kernel's permission check before the keeper was protected, and came to its lease only now.
bool keeper_is_wanted(const LinkTask& task) { return task.keeper.lease && !task.keeper.lease->held(); }

void leave_in_staging(LinkTask& task, Victim& victim, const std::system_error& error) {
  victim.verdict = verdict_of(error);
  victim.reason = error.code().message();
  for (const auto& staged : victim.staged) task.kept.push_back(staged.leaf);
}

void put_names_back(LinkTask& task, Victim& victim) {
  for (std::size_t n = 0; n < victim.staged.size(); ++n) {
    const auto name = open_name(*victim.names[n].root, victim.names[n].path);
    if (!put_back(victim.staged[n], name, victim.held.seen.ino, task.keeper.seen.ino))
      task.kept.push_back(victim.staged[n].leaf);
  }
  if (victim.was_shared) protect_again(victim, task.protection);
  victim.verdict = Verdict::changed;
}

void return_late(LinkTask& task, Victim& victim) {
  const int keeper = task.keeper.fd.get();
  try {
    if (must_lift(task.protection)) unprotect(keeper);
    put_names_back(task, victim);
  } catch (const std::system_error& error) {
    leave_in_staging(task, victim, error);
  }
  protect_as_proven(task.keeper, task.protection);
  release_keeper(task);
}

void remove_victim(Victim& victim, Finished& finished) {
  const auto bytes = stat_fd(victim.held.fd.get()).bytes_on_disk();
  if (!sole_opener(victim.held.fd.get())) finished.freed_when_closed += bytes;
  for (const auto& staged : victim.staged) remove_staged(staged);
}

}  // namespace

void link_over(LinkTask& task) { SetLinker(task).run(); }

Finished finish(LinkTask& task) {
  Finished finished;
  for (auto& victim : task.victims)
    if (is_linked(victim) && (keeper_is_wanted(task) || !is_still_ours(victim))) return_late(task, victim);
  // Returning one lifts the keeper's protection again, for a moment.
  const bool wanted = keeper_is_wanted(task);
  for (auto& victim : task.victims) {
    if (!is_linked(victim)) continue;
    try {
      wanted ? return_late(task, victim) : remove_victim(victim, finished);
    } catch (const std::system_error& error) {
      leave_in_staging(task, victim, error);
    }
  }
  for (auto& victim : task.victims) {
    // Who had looked the name up before the exchange, and comes only now, looks it up again.
    if (is_linked(victim) && !victim.held.lease->held()) victim.held.lease->turn_away();
    victim.held.lease.reset();
    victim.held.fd = {};
  }
  // Who came to its lease may have come by a name that leads elsewhere again, or before it was protected.
  if (keeper_is_wanted(task)) task.keeper.lease->turn_away();
  task.keeper.lease.reset();
  return finished;
}

}  // namespace vunify
