// SPDX-License-Identifier: Apache-2.0
#include "unify/batch.h"

#include <chrono>
#include <thread>

#include "sys/handle.h"
#include "unify/directory_time.h"

namespace vunify {
namespace {

// Victims wait in staging for this many later links, some milliseconds: long for a process between looking a name up
// and opening it, short for a writer that our lease keeps waiting (20 ms at most).
constexpr std::size_t lingering_names = 128;

// And for so long at the least: a process that had passed the kernel's permission check has come to the lease by then.
constexpr auto linger = std::chrono::milliseconds(5);

}  // namespace

void Batch::add(LinkTask task) {
  for (auto& victim : task.victims) {
    for (std::size_t n = 0; n < victim.names.size(); ++n) victim.staged.push_back({staging_, leaves_.next()});
    names_ += victim.names.size();
  }
  tasks_.push_back(std::move(task));
}

void Batch::begin(const std::vector<LinkTask>& tasks) const {
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
  journal_.begin(sets);
  sync_filesystem(staging_, staging_path_);
}

void Batch::apply(const std::function<void(LinkTask& task, const Finished& finished)>& done) {
  auto tasks = std::exchange(tasks_, {});
  names_ = 0;
  if (tasks.empty()) return;
  begin(tasks);
  std::size_t finished = 0, waiting = 0;
  bool kept = false, disk_full = false;
  const auto finish_until = [&](std::size_t end) {
    if (finished < end) std::this_thread::sleep_for(linger);
    for (; finished < end; ++finished) {
      done(tasks[finished], finish(tasks[finished]));
      kept |= !tasks[finished].kept.empty();
    }
    waiting = 0;
  };
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (disk_full)
      for (auto& victim : tasks[i].victims) victim.verdict = Verdict::not_reached;
    else
      link_over(tasks[i]);
    disk_full |= tasks[i].disk_full;
    waiting += tasks[i].victims.size();
    if (waiting >= lingering_names) finish_until(i + 1);
  }
  finish_until(tasks.size());
  if (kept) return journal_.set_aside();
  sync_filesystem(staging_, staging_path_);  // a power cut may not leave half of it and no journal
  journal_.end();
}

}  // namespace vunify
