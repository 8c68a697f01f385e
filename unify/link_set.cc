// SPDX-License-Identifier: Apache-2.0
#include "unify/link_set.h"

#include <algorithm>
#include <optional>

#include "sys/mark.h"
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
      for_each_victim([this](std::size_t i) { prepare(i); });
      for_each_victim([this](std::size_t i) { exchange_names(i); });
    } catch (const std::system_error& error) {
      fail_all(error);
    }
    protect(keeper(), task_.protection);
    check();
    leave_private_if_nothing_linked();
    const auto after = stat_fd(keeper());
    if (after.blocks > before.blocks) task_.grown_bytes = after.bytes_on_disk() - before.bytes_on_disk();
    task_.keeper.lease.reset();
  }

 private:
  int keeper() const { return task_.keeper.fd.get(); }

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
      prepare_link(keeper(), staged);
      ++prepared_[i];
      ++planned_links_;
    }
  }

  void exchange_names(std::size_t i) {
    auto& victim = task_.victims[i];
    if (victim.was_shared && must_lift(task_.protection)) unprotect(victim.held.fd.get());
    for (std::size_t n = 0; n < names_[i].size(); ++n) exchange(victim.staged[n], names_[i][n]);
  }

  void check() {
    if (!keeper_is_as_planned()) return take_back_all(Verdict::changed);
    for (std::size_t i = 0; i < task_.victims.size(); ++i)
      if (task_.victims[i].verdict == Verdict::shared && !victim_is_as_planned(i)) relift_and_take_back(i);
  }

  // A guest that reached the keeper through one of its names while it was not yet protected: nothing of that may be
  // seen by another. Links it made, a writer that waits, metadata it set: all victims go back. Metadata is given back
  // too, for nobody can tell through whose name it was set.
  bool keeper_is_as_planned() {
    const auto now = read_policy(keeper());
    if (now != task_.keeper.policy) {
      lift();
      restore_policy(keeper(), task_.keeper.policy);
      protect(keeper(), task_.protection);
      return false;
    }
    return task_.keeper.lease->held() && stat_fd(keeper()).nlink <= planned_links_;
  }

  // What came out is the leased inode, all of it and nothing else, and nobody waits to write to it.
  bool victim_is_as_planned(std::size_t i) const {
    const auto& victim = task_.victims[i];
    const auto came_out = [&](const StagedName& staged) { return stat_staged(staged).ino == victim.held.seen.ino; };
    return std::ranges::all_of(victim.staged, came_out) && stat_fd(victim.held.fd.get()).nlink == victim.names.size() &&
           victim.held.lease->held() && read_policy(victim.held.fd.get()) == victim.held.policy;
  }

  void relift_and_take_back(std::size_t i) {
    lift();
    take_back(i, Verdict::changed);
    protect(keeper(), task_.protection);
  }

  void take_back_all(Verdict verdict) {
    lift();
    for (std::size_t i = 0; i < task_.victims.size(); ++i)
      if (task_.victims[i].verdict == Verdict::shared) take_back(i, verdict);
    protect(keeper(), task_.protection);
  }

  // Whatever of it was exchanged goes back, whatever was prepared goes away; then its lease is dropped.
  void take_back(std::size_t i, Verdict verdict) {
    auto& victim = task_.victims[i];
    victim.verdict = verdict;
    for (std::size_t n = 0; n < prepared_[i]; ++n) {
      if (!undo(victim.staged[n], i, n)) task_.kept.push_back(victim.staged[n].leaf);
    }
    if (victim.was_shared) protect(victim.held.fd.get(), task_.protection);
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

  void leave_private_if_nothing_linked() {
    const bool linked =
        std::ranges::any_of(task_.victims, [](const Victim& v) { return v.verdict == Verdict::shared; });
    if (linked || task_.was_shared) return;
    unprotect(keeper());
    clear_mark(keeper());
  }

  LinkTask& task_;
  std::vector<std::vector<Name>> names_;  // of each victim, opened
  std::vector<std::size_t> prepared_;     // how many of its names are in staging
  std::uint64_t planned_links_ = 0;       // more of them: somebody else linked the keeper
};

// The last look: since the exchange nobody opened it for writing, and no guest linked it somewhere else.
bool is_still_ours(const Victim& victim) {
  return victim.held.lease->held() && stat_fd(victim.held.fd.get()).nlink == victim.staged.size();
}

void return_late(LinkTask& task, Victim& victim) {
  const auto lease = Lease::take(task.keeper.fd.get());
  if (must_lift(task.protection)) unprotect(task.keeper.fd.get());
  for (std::size_t n = 0; n < victim.staged.size(); ++n) {
    const auto name = open_name(*victim.names[n].root, victim.names[n].path);
    if (!put_back(victim.staged[n], name, victim.held.seen.ino, task.keeper.seen.ino))
      task.kept.push_back(victim.staged[n].leaf);
  }
  protect(task.keeper.fd.get(), task.protection);
  victim.verdict = Verdict::changed;
}

void remove_victim(Victim& victim, Finished& finished) {
  const auto bytes = stat_fd(victim.held.fd.get()).bytes_on_disk();
  finished.freed_bytes += bytes;
  if (!sole_opener(victim.held.fd.get())) finished.freed_when_closed += bytes;
  for (const auto& staged : victim.staged) remove_staged(staged);
}

}  // namespace

void link_over(LinkTask& task) { SetLinker(task).run(); }

Finished finish(LinkTask& task) {
  Finished finished;
  for (auto& victim : task.victims) {
    if (victim.verdict != Verdict::shared) continue;
    try {
      if (is_still_ours(victim))
        remove_victim(victim, finished);
      else
        return_late(task, victim);
    } catch (const std::system_error& error) {
      victim.verdict = verdict_of(error);
      victim.reason = error.code().message();
      for (const auto& staged : victim.staged) task.kept.push_back(staged.leaf);
    }
    victim.held.lease.reset();
    victim.held.fd = {};
  }
  return finished;
}

}  // namespace vunify
