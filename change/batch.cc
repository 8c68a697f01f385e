// SPDX-License-Identifier: Apache-2.0
#include "change/batch.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <thread>
#include <utility>

#include "change/worker_directory.h"
#include "sys/directory.h"
#include "sys/file_locks.h"
#include "sys/quiet_read.h"
#include "sys/write_out.h"

namespace vunify {
namespace {

// Names in staging at a time, but for those of one keeper: some kilobytes of a directory, which on a full filesystem
// must do until the first victims are removed.
constexpr std::size_t most_staged = 128;

std::size_t names_of(const LinkRequest& request) {
  std::size_t names = 0;
  for (const auto& victim : request.victims) names += victim.names.size();
  return names;
}

}  // namespace

void Batch::add(LinkRequest request, Done done) {
  if (entries_.empty()) directory_ = make_worker_directory(staging_, worker_);
  const auto stage = [this] { return StagedName{staging_, join_path(directory_, leaves_.next())}; };
  assert(!request.victims.empty());
  names_ += names_of(request);
  if (request.is_fresh) fresh_bytes_ += request.keeper.seen.bytes_on_disk();
  entries_.push_back({KeeperLink(std::move(request), ground_, stage), std::move(done)});
}

// The earlier batches' work is on disk then, and all that the keepers hold with it.
void Batch::forget_earlier() { journal_.forget(own_staging_.get(), staging_path_); }

void Batch::write_out_keepers(std::vector<Entry>& entries) {
  if (!commits_in_order(mount_) || journal_.is_full()) return forget_earlier();
  for (auto& entry : entries) {
    const auto& request = entry.link.request();
    try {
      write_out(request.keeper.fd.get(), request.keeper_name.path);
    } catch (const std::system_error& error) {
      entry.link.leave_all(LinkEnd::failed, error.code());
    }
  }
}

// Where the state has no room for another record, the earlier ones' may do.
void Batch::add_to_journal(const std::vector<JournaledSet>& sets) {
  try {
    journal_.begin(sets);
  } catch (const std::system_error& error) {
    if (!journal_.has_earlier() || !is_disk_full(error)) throw;
    forget_earlier();
    journal_.begin(sets);
  }
}

void Batch::begin(std::vector<Entry>& entries) {
  if (!own_staging_) own_staging_ = open_directory_at(staging_, ".", staging_path_);
  std::vector<JournaledSet> sets;
  const auto fs = to_string(fs_id(staging_));
  for (auto& entry : entries) entry.link.open_names();
  // The kernel then has at hand what it needs of the directories, and of those that are watched few are new.
  std::ranges::stable_sort(entries, {}, [](const Entry& entry) { return entry.link.directory(); });
  for (const auto& entry : entries) sets.push_back(entry.link.journaled(staging_path_, fs));
  write_out_keepers(entries);
  for (const auto& entry : entries)
    if (entry.link.request().is_cold) forget_pages(entry.link.request().keeper.fd.get());
  add_to_journal(sets);
}

// What somebody locks (flock, fcntl) he means to be one file with others of his own. Looked up once for all of them:
// the kernel takes milliseconds to show a table with our leases in it. Each is asked itself only where a guest has made
// the table too long.
void Batch::leave_locked(std::vector<Entry>& entries) {
  const auto locks = FileLocks::read();
  const auto locked = [&](const Held& held) {
    return locks.is_locked(mount_.dev, held.seen.ino) || (!locks.is_whole() && is_locked(held.fd.get()));
  };
  for (auto& entry : entries) {
    const auto& request = entry.link.request();
    const bool keeper_locked = locked(request.keeper);
    for (std::size_t i = 0; i < request.victims.size(); ++i)
      if (keeper_locked || locked(request.victims[i].held)) entry.link.leave(i, LinkEnd::locked);
  }
}

// Each is finished some milliseconds after it was linked, while the next are. False where something is left in staging.
bool Batch::link_and_finish(std::vector<Entry>& entries) {
  std::size_t finished = 0, staged = 0;
  bool clear = true, disk_full = false;
  const auto finish_next = [&] {
    auto& entry = entries[finished++];
    std::this_thread::sleep_until(entry.linked + Lease::linger);
    entry.link.look_again();
    const auto result = entry.link.finish();
    entry.done(entry.link.request(), result);
    clear &= result.kept.empty();
    staged -= names_of(entry.link.request());
  };
  for (auto& entry : entries) {
    while (staged >= most_staged) finish_next();
    if (disk_full) entry.link.leave_all(LinkEnd::not_reached);
    entry.link.run();
    disk_full |= entry.link.disk_is_full();
    entry.linked = std::chrono::steady_clock::now();
    staged += names_of(entry.link.request());
    while (entries[finished].linked + Lease::linger <= entry.linked) finish_next();
  }
  while (finished < entries.size()) finish_next();
  return clear;
}

void Batch::drop(std::vector<Entry>& entries) {
  for (auto& entry : entries) {
    entry.link.leave_all(LinkEnd::not_reached);
    const auto result = entry.link.finish();
    entry.done(entry.link.request(), result);
  }
}

std::vector<Batch::Entry> Batch::take() {
  names_ = 0;
  fresh_bytes_ = 0;
  return std::exchange(entries_, {});
}

void Batch::drop() {
  auto entries = take();
  drop(entries);
}

void Batch::apply() {
  auto entries = take();
  if (!entries.empty()) apply(std::move(entries));
}

// Where the state has no room for the record of all of them, half of them free some.
void Batch::apply(std::vector<Entry> entries) {
  try {
    begin(entries);
  } catch (const std::system_error& error) {
    if (is_disk_full(error) && entries.size() > 1) return apply_halves(std::move(entries));
    drop(entries);
    throw;
  }
  leave_locked(entries);
  link_and_finish(entries) ? journal_.over(own_staging_.get(), staging_path_) : journal_.set_aside();
}

void Batch::apply_halves(std::vector<Entry> entries) {
  const auto middle = entries.begin() + static_cast<std::ptrdiff_t>(entries.size() / 2);
  std::vector<Entry> second(std::make_move_iterator(middle), std::make_move_iterator(entries.end()));
  entries.erase(middle, entries.end());
  try {
    apply(std::move(entries));
  } catch (const std::system_error&) {
    drop(second);
    throw;
  }
  apply(std::move(second));
}

}  // namespace vunify
