// SPDX-License-Identifier: Apache-2.0
#include "unify/deunify_guests.h"

#include <fcntl.h>

#include <map>

#include "hashindex/forget.h"
#include "hashindex/index.h"
#include "survey/candidates.h"
#include "survey/scan.h"
#include "sys/clone.h"
#include "sys/mark.h"
#include "unify/break_links.h"
#include "unify/place.h"
#include "unify/summarize.h"

namespace vunify {
namespace {

// The shared inodes of one place. Where all names of an inode are among its guests, one of them keeps it.
struct Breaking {
  std::vector<std::uint32_t> guests;
  std::unique_ptr<Staging> staging;
  std::vector<BreakTask> tasks;
  std::vector<NameRef> last_names;  // of inodes with one name: they only lose mark and protection
  std::uint64_t bytes = 0;          // of all copies
};

GuestName guest_name(const std::vector<Guest>& guests, const Scan& scan, NameRef name) {
  return {name, &guests[name.guest].root, scan.trees[name.guest].path(name.file)};
}

std::vector<FileId> shared_inodes(const std::vector<Guest>& guests, const Scan& scan) {
  std::vector<FileId> shared;
  for (std::size_t guest = 0; guest < guests.size(); ++guest)
    for (const auto& file : scan.trees[guest].files())
      if (file.marked) shared.push_back({guests[guest].fs, file.ino});
  return shared;
}

void plan_breaking(const std::vector<Guest>& guests, const Scan& scan, Breaking& breaking) {
  std::map<std::uint64_t, std::vector<NameRef>> shared;  // by inode number: one filesystem
  for (const auto guest : breaking.guests)
    for (std::uint32_t i = 0; i < scan.trees[guest].files().size(); ++i)
      if (scan.trees[guest].file(i).marked) shared[scan.trees[guest].file(i).ino].push_back({guest, i});
  for (const auto& [ino, names] : shared) {
    const auto& file = scan.trees[names[0].guest].file(names[0].file);
    BreakTask task;
    task.keeper = {guests[names[0].guest].fs, ino};
    task.bytes = file.bytes_on_disk();
    for (const auto name : names) task.names.push_back(guest_name(guests, scan, name));
    if (file.nlink == names.size()) task.names.pop_back();
    if (task.names.empty()) breaking.last_names.push_back(names[0]);
    breaking.bytes += task.bytes * task.names.size();
    if (!task.names.empty()) breaking.tasks.push_back(std::move(task));
  }
}

std::vector<Breaking> plan_all(const std::vector<Guest>& guests, const Scan& scan) {
  std::map<std::pair<FsId, std::uint64_t>, Breaking> by_mount;
  for (std::uint32_t i = 0; i < guests.size(); ++i) by_mount[{guests[i].fs, guests[i].mount.id}].guests.push_back(i);
  std::vector<Breaking> all;
  for (auto& [mount, breaking] : by_mount) {
    plan_breaking(guests, scan, breaking);
    all.push_back(std::move(breaking));
  }
  return all;
}

std::string in_mebibytes(std::uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

// Makes the staging directory, and refuses where the copies would not fit.
std::optional<Refusal> prepare(const std::vector<Guest>& guests, Breaking& breaking) {
  const auto& first = guests[breaking.guests.front()].root;
  std::vector<const Guest*> members;
  for (const auto guest : breaking.guests) members.push_back(&guests[guest]);
  try {
    breaking.staging = std::make_unique<Staging>(members);
  } catch (const std::system_error& error) {
    if (is_error(error, EWOULDBLOCK)) throw;
    return Refusal{first.host_path(), error.what()};
  }
  const auto free = space_of(first.fd()).free;
  if (breaking.bytes <= free || has_reflink(breaking.staging->fd())) return std::nullopt;
  return Refusal{first.host_path(),
                 "needs " + in_mebibytes(breaking.bytes) + " for private copies, has " + in_mebibytes(free)};
}

void unmark(const std::vector<Guest>& guests, const Scan& scan, const Breaking& breaking, bool dry_run,
            Outcome& outcome) {
  for (const auto name : breaking.last_names) {
    const auto guest = guest_name(guests, scan, name);
    try {
      if (!dry_run) {
        const Fd fd = guest.root->open_regular(guest.path);
        const auto ino = scan.trees[name.guest].file(name.file).ino;
        if (!release_last_name(fd.get(), {guests[name.guest].fs, ino})) continue;
      }
      ++outcome.unmarked_files;
    } catch (const std::system_error& error) {
      outcome.failed.push_back({guests[name.guest].name, guest.path, error.code().message()});
    }
  }
}

void count(const std::vector<Guest>& guests, const std::vector<BreakTask>& tasks, bool dry_run, Outcome& outcome) {
  for (const auto& task : tasks) {
    const auto copied = dry_run ? task.names.size() : task.copied;
    outcome.copied_files += copied;
    outcome.copied_bytes += copied * task.bytes;
    outcome.disk_full |= task.disk_full;
    if (!task.reason.empty())
      outcome.failed.push_back({guests[task.names.front().ref.guest].name, task.names.front().path, task.reason});
  }
}

}  // namespace

std::optional<Refusal> deunify_guests(const std::vector<Guest>& guests, bool dry_run, const std::string& state_dir,
                                      const Stop& stop, Counters& counters, Outcome& outcome) {
  const ExcludeList nothing;
  auto scan = scan_guests(guests, {&nothing, 0}, stop, counters);
  auto all = plan_all(guests, scan);
  std::optional<Refusal> refusal;
  for (auto& breaking : all)
    if (!dry_run && !refusal) refusal = prepare(guests, breaking);
  if (!dry_run && !refusal) forget_inodes(index_path(state_dir), shared_inodes(guests, scan));
  for (auto& breaking : all) {
    if (refusal) continue;
    counters.begin(Phase::link, breaking.tasks.size());
    if (!dry_run && !breaking.tasks.empty()) {
      Journal journal(state_dir, "break");
      LinkBreaker(journal, breaking.staging->fd(), breaking.staging->path()).run(breaking.tasks, [&] {
        return stop.requested();
      });
    }
    count(guests, breaking.tasks, dry_run, outcome);
    unmark(guests, scan, breaking, dry_run, outcome);
  }
  for (auto& breaking : all)
    if (breaking.staging) breaking.staging->remove_if_empty();
  if (refusal) return refusal;
  if (!dry_run && !stop.requested()) scan = scan_guests(guests, {&nothing, 0}, stop, counters);
  summarize_private(guests, scan, dry_run, outcome);
  return std::nullopt;
}

}  // namespace vunify
