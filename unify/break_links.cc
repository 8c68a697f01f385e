// SPDX-License-Identifier: Apache-2.0
#include "unify/break_links.h"

#include <chrono>
#include <thread>

#include "sys/directory.h"
#include "sys/handle.h"
#include "sys/mark.h"
#include "unify/directory_time.h"
#include "unify/put_back.h"

namespace vunify {
namespace {

constexpr auto directory = "copy";  // in staging
constexpr std::size_t batch_names = 256;
constexpr auto linger = std::chrono::milliseconds(5);  // from the last exchange to the last look at the leases

}  // namespace

struct LinkBreaker::Copy {
  BreakTask* task = nullptr;
  Fd keeper;
  Inode seen;
  Policy policy;
  Protection protection = Protection::none;
  std::vector<StagedName> staged;     // one for each name
  std::vector<std::uint64_t> copies;  // inode of each copy that was made
  std::optional<Lease> lease;         // from make_copies() to release()
  std::vector<bool> led;              // names that lead to their copies
};

void LinkBreaker::journal(const std::vector<Copy>& copies, bool made) {
  std::vector<JournaledSet> sets;
  const auto fs = to_string(fs_id(staging_));
  for (const auto& copy : copies) {
    const auto& task = *copy.task;
    JournaledSet set{Intent::copy,
                     staging_path_,
                     fs,
                     task.names.front().root->host_path(),
                     task.names.front().path,
                     task.keeper.ino,
                     made && copy.keeper ? handle_of(copy.keeper.get()) : "",
                     copy.seen.stamp.size,
                     copy.seen.stamp.mtime,
                     copy.protection,
                     {}};
    for (std::size_t n = 0; n < copy.staged.size(); ++n)
      set.names.push_back({copy.staged[n].leaf, task.names[n].root->host_path(), task.names[n].path,
                           made && n < copy.copies.size() ? copy.copies[n] : 0, task.keeper.ino,
                           directory_time(*task.names[n].root, task.names[n].path)});
    sets.push_back(std::move(set));
  }
  made ? journal_.amend(sets) : journal_.begin(sets);
}

void LinkBreaker::make_copies(Copy& copy) {
  auto& task = *copy.task;
  try {
    copy.keeper = task.names.front().root->open_regular(task.names.front().path);
    copy.seen = stat_fd(copy.keeper.get());
    if (copy.seen.ino != task.keeper.ino) {
      task.reason = "changed";
      return;
    }
    copy.lease = Lease::take(copy.keeper.get());  // a writer breaks it, and the copies are not used
    copy.seen = stat_fd(copy.keeper.get());
    copy.policy = read_policy(copy.keeper.get());
    copy.protection = protection_of(copy.keeper.get());
    for (const auto& staged : copy.staged) {
      prepare_copy(copy.keeper.get(), staged);
      copy.copies.push_back(stat_staged(staged).ino);
    }
  } catch (const std::system_error& error) {
    if (!is_error(error, EINTR)) task.reason = error.code().message();  // else the next run goes on
    task.disk_full = is_error(error, ENOSPC) || is_error(error, EDQUOT);
  }
}

// The lease keeps writers out while nothing else does.
void LinkBreaker::lead_names(Copy& copy) {
  auto& task = *copy.task;
  const int keeper = copy.keeper.get();
  if (!copy.lease || !copy.lease->pin() || stat_fd(keeper).stamp.mtime != copy.seen.stamp.mtime) {
    task.reason = "open for writing";
    copy.lease.reset();
    return;
  }
  if (must_lift(copy.protection)) unprotect(keeper);
  copy.led.resize(copy.copies.size());
  for (std::size_t n = 0; n < copy.copies.size(); ++n) {
    try {
      lead_name(copy, n);
    } catch (const std::system_error& error) {
      task.reason = error.code().message();
    }
  }
  if (must_lift(copy.protection) && read_policy(keeper) != copy.policy)
    restore_policy(keeper, copy.policy, copy.seen.stamp.mtime);
  protect(keeper, copy.protection);
}

void LinkBreaker::lead_name(Copy& copy, std::size_t n) {
  auto& task = *copy.task;
  const auto name = open_name(*task.names[n].root, task.names[n].path);
  // Exchanged back it would show its guest the old file for a moment: better seen before.
  const auto there = stat_name(name.dir.get(), name.leaf.c_str());
  if (!there || there->ino != task.keeper.ino) return;
  const Fd ours = hold_staged(copy.staged[n]);
  exchange(copy.staged[n], name);
  const auto came_out = stat_staged(copy.staged[n]).ino;
  if (came_out == task.keeper.ino) {
    remove_staged(copy.staged[n]);
    copy.led[n] = true;
    ++task.copied;
  } else {
    put_back(copy.staged[n], name, came_out, copy.copies[n]);
  }
}

// Some milliseconds later: who passed the permission check while the inode was not protected has come to the lease.
void LinkBreaker::release(Copy& copy) {
  if (!copy.lease) return;
  try {
    if (!copy.lease->held() && !copy.lease->turn_away()) copy.task->reason = "a writer could not be turned away";
    if (stat_fd(copy.keeper.get()).nlink == 1) {
      unprotect(copy.keeper.get());
      clear_mark(copy.keeper.get());
    }
  } catch (const std::system_error& error) {
    copy.task->reason = error.code().message();
  }
  copy.lease.reset();
}

// Copies that no name leads to go away. What a guest's name led to instead of the keeper is kept, and told.
bool LinkBreaker::clear_staging(const Copy& copy, bool led) {
  bool clear = true;
  for (std::size_t n = 0; n < copy.staged.size(); ++n) {
    const auto held = stat_name(copy.staged[n].dir, copy.staged[n].leaf.c_str());
    if (!held) continue;
    if (!led || held->ino == copy.copies[n]) {
      remove_staged(copy.staged[n]);
    } else {
      copy.task->reason =
          staging_path_ + "/" + copy.staged[n].leaf + " is left: it is not the file that was planned for";
      clear = false;
    }
  }
  return clear;
}

void LinkBreaker::run_batch(std::span<BreakTask> tasks, const std::function<bool()>& stop) {
  std::vector<Copy> copies;
  for (auto& task : tasks) {
    Copy copy;
    copy.task = &task;
    for (std::size_t n = 0; n < task.names.size(); ++n)
      copy.staged.push_back({staging_, join_path(directory, leaves_.next())});
    copies.push_back(std::move(copy));
  }
  journal(copies, false);
  make_private_directory(staging_, directory);
  for (auto& copy : copies)
    if (!stop()) make_copies(copy);
  sync_filesystem(staging_, staging_path_);
  journal(copies, true);
  const auto is_complete = [](const Copy& copy) { return copy.copies.size() == copy.staged.size(); };
  for (auto& copy : copies)
    if (is_complete(copy) && copy.task->reason.empty()) lead_names(copy);
  std::this_thread::sleep_for(linger);
  for (auto& copy : copies) release(copy);
  bool clear = true;
  for (auto& copy : copies) clear &= clear_staging(copy, !copy.led.empty());
  if (!clear) return journal_.set_aside();
  sync_filesystem(staging_, staging_path_);  // a power cut may not leave half of it and no journal
  journal_.end();
}

void LinkBreaker::run(std::vector<BreakTask>& tasks, const std::function<bool()>& stop) {
  for (std::size_t from = 0; from < tasks.size() && !stop();) {
    auto to = from;
    for (std::size_t names = 0; to < tasks.size() && names < batch_names; ++to) names += tasks[to].names.size();
    run_batch(std::span(tasks).subspan(from, to - from), stop);
    from = to;
  }
}

}  // namespace vunify
