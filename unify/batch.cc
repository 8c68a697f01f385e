// SPDX-License-Identifier: Apache-2.0
#include "unify/batch.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "sys/directory.h"
#include "sys/file_locks.h"
#include "sys/handle.h"
#include "sys/write_out.h"
#include "unify/directory_time.h"

namespace vunify {
namespace {

using Clock = std::chrono::steady_clock;

// Victims wait in staging for so long, while others are linked: long for a process between looking a name up, passing
// the kernel's permission check and coming to the lease; short for a writer that our lease keeps waiting (20 ms at
// most).
constexpr auto linger = std::chrono::milliseconds(5);

void leave(LinkTask& task, const std::string& reason) {
  for (auto& victim : task.victims) {
    victim.verdict = Verdict::unreadable;
    victim.reason = reason;
  }
}

bool is_linked(const Victim& victim) { return victim.verdict == Verdict::shared; }

}  // namespace

void Batch::add(LinkTask task) {
  for (auto& victim : task.victims) {
    for (std::size_t n = 0; n < victim.names.size(); ++n)
      victim.staged.push_back({staging_, join_path(directory_, leaves_.next())});
    names_ += victim.names.size();
  }
  tasks_.push_back(std::move(task));
}

// The earlier batches' work is on disk then, and all that the keepers hold with it.
void Batch::forget_earlier() { journal_.forget(own_staging_.get(), staging_path_); }

void Batch::write_out_keepers(std::vector<LinkTask>& tasks) {
  if (!commits_in_order(mount_) || journal_.is_full()) return forget_earlier();
  for (auto& task : tasks) {
    try {
      write_out(task.keeper.fd.get(), task.keeper_name.path);
    } catch (const std::system_error& error) {
      leave(task, error.code().message());
    }
  }
}

// Where the state has no room for another record, the earlier ones' may do.
void Batch::add_to_journal(const std::vector<JournaledSet>& sets) {
  try {
    journal_.begin(sets);
  } catch (const std::system_error& error) {
    if (!journal_.has_earlier() || !(is_error(error, ENOSPC) || is_error(error, EDQUOT))) throw;
    forget_earlier();
    journal_.begin(sets);
  }
}

void Batch::begin(std::vector<LinkTask>& tasks) {
  if (!own_staging_) own_staging_ = open_directory_at(staging_, ".", staging_path_);
  std::vector<JournaledSet> sets;
  const auto fs = to_string(fs_id(staging_));
  for (const auto& task : tasks) {
    const auto& stamp = task.keeper.seen.stamp;
    JournaledSet set{Intent::link,
                     staging_path_,
                     fs,
                     task.keeper_name.root->host_path(),
                     task.keeper_name.path,
                     task.keeper_id.ino,
                     handle_of(task.keeper.fd.get()),
                     stamp.size,
                     stamp.mtime,
                     task.protection,
                     {}};
    for (const auto& victim : task.victims)
      for (std::size_t n = 0; n < victim.names.size(); ++n)
        set.names.push_back({victim.staged[n].leaf, victim.names[n].root->host_path(), victim.names[n].path,
                             task.keeper_id.ino, victim.held.seen.ino,
                             directory_time(*victim.names[n].root, victim.names[n].path)});
    sets.push_back(std::move(set));
  }
  write_out_keepers(tasks);
  add_to_journal(sets);
  make_private_directory(staging_, directory_);  // whose names the journal knows by now
}

// What somebody locks (flock, fcntl) he means to be one file with others of his own. Looked up once for all of them:
// the kernel takes milliseconds to show a table with our leases in it.
void Batch::leave_locked(std::vector<LinkTask>& tasks) const {
  const auto locks = FileLocks::read();
  for (auto& task : tasks) {
    const bool keeper_locked = locks.is_locked(mount_.dev, task.keeper.seen.ino);
    for (auto& victim : task.victims)
      if (keeper_locked || locks.is_locked(mount_.dev, victim.held.seen.ino)) victim.verdict = Verdict::locked;
  }
}

void Batch::apply(const std::function<void(LinkTask& task, const Finished& finished)>& done) {
  auto tasks = std::exchange(tasks_, {});
  names_ = 0;
  if (tasks.empty()) return;
  begin(tasks);
  leave_locked(tasks);
  std::vector<Clock::time_point> linked;
  std::size_t finished = 0;
  bool kept = false, disk_full = false;
  const auto finish_next = [&] {
    auto& task = tasks[finished++];
    done(task, finish(task));
    kept |= !task.kept.empty();
  };
  for (auto& task : tasks) {
    if (disk_full)
      for (auto& victim : task.victims) victim.verdict = Verdict::not_reached;
    if (std::ranges::any_of(task.victims, is_linked)) link_over(task);
    disk_full |= task.disk_full;
    linked.push_back(Clock::now());
    while (linked[finished] + linger <= linked.back()) finish_next();
  }
  while (finished < tasks.size()) {
    std::this_thread::sleep_until(linked[finished] + linger);
    finish_next();
  }
  kept ? journal_.set_aside() : journal_.over(own_staging_.get(), staging_path_);
}

}  // namespace vunify
