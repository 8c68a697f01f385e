// SPDX-License-Identifier: Apache-2.0
#include "unify/settle.h"

#include <algorithm>
#include <map>

#include "sys/mark.h"

namespace vunify {
namespace {

const Place& place_at(const Settling& s, NameRef name) { return s.places[s.place_of[name.guest]]; }

const File& file_of(const Settling& s, NameRef name) { return s.scan.trees[name.guest].file(name.file); }

GuestName guest_name(const Settling& s, NameRef name) {
  return {name, &s.guests[name.guest].root, s.scan.trees[name.guest].path(name.file)};
}

void note_failure(const Settling& s, Outcome& outcome, NameRef name, const std::string& reason) {
  outcome.failed.push_back({s.guests[name.guest].name, guest_name(s, name).path, reason});
}

// Every name that was found still leads to this one inode, and it has no others, or it is marked already.
bool is_as_found(const Settling& s, const Candidate& inode, const Inode& now) {
  const auto names = s.candidates.names_of(inode);
  const auto& file = s.scan.trees[names.front().guest].file(names.front().file);
  if (now.ino != file.ino || now.stamp.ctime != file.stamp.ctime) return false;
  return inode.shared || now.nlink == names.size();
}

// Marks and protects under a lease: false where somebody writes to it, or changed it since the scan.
bool protect_shared(const Settling& s, const Candidate& inode) {
  const auto name = s.candidates.names_of(inode).front();
  const Fd fd = s.guests[name.guest].root.open_regular(s.scan.trees[name.guest].path(name.file));
  auto lease = Lease::take(fd.get());
  const auto now = stat_fd(fd.get());
  if (!lease || !lease->pin() || !is_as_found(s, inode, now)) return false;
  if (!inode.shared) set_mark(fd.get(), {s.guests[name.guest].fs, now.ino});
  protect(fd.get(), place_at(s, name).protection);
  if (lease->held()) return true;
  unprotect(fd.get());
  if (!inode.shared) clear_mark(fd.get());
  return false;
}

bool is_private_data(const Settling& s, const Candidate& inode) {
  return place_at(s, s.candidates.names_of(inode).front()).protection == Protection::reflink;
}

void adopt(const Settling& s, Candidate& inode, Outcome& outcome) {
  const auto names = s.candidates.names_of(inode);
  if (s.dry_run || protect_shared(s, inode)) {
    inode.shared = true;
    outcome.adopted_files += names.size();
  } else {
    judge(s.scan, names, Verdict::shared_unprotected);
  }
}

BreakTask break_off(const Settling& s, std::span<const NameRef> names) {
  BreakTask task;
  const auto& file = s.scan.trees[names.front().guest].file(names.front().file);
  task.keeper = {s.guests[names.front().guest].fs, file.ino};
  task.bytes = file.bytes_on_disk();
  for (const auto name : names) task.names.push_back(guest_name(s, name));
  return task;
}

// Tasks of one place go through its staging directory.
void run(const Settling& s, std::map<std::uint32_t, std::vector<BreakTask>>& by_place, Outcome& outcome) {
  for (auto& [place, tasks] : by_place) {
    if (!s.dry_run && s.places[place].staging == nullptr) {
      for (auto& task : tasks) task.reason = s.places[place].no_staging;
    } else if (!s.dry_run) {
      Journal journal(s.state_dir, "break");
      LinkBreaker(journal, s.places[place].staging->fd(), s.places[place].staging->path()).run(tasks, [] {
        return Stop().signal() != 0;
      });
    }
    for (const auto& task : tasks) {
      outcome.copied_files += s.dry_run ? task.names.size() : task.copied;
      outcome.copied_bytes += task.bytes * (s.dry_run ? task.names.size() : task.copied);
      outcome.disk_full |= task.disk_full;
      if (!task.reason.empty()) note_failure(s, outcome, task.names.front().ref, task.reason);
    }
  }
}

}  // namespace

void adopt_unprotected(const Settling& s, Outcome& outcome) {
  std::map<std::uint32_t, std::vector<BreakTask>> to_break;
  for (const auto index : s.candidates.unprotected) {
    auto& inode = s.candidates.inodes[index];
    const auto names = s.candidates.names_of(inode);
    if (is_private_data(s, inode)) {
      outcome.adopted_files += names.size();
      const auto others = inode.complete ? names.subspan(1) : names;
      to_break[s.place_of[names.front().guest]].push_back(break_off(s, others));
      judge(s.scan, names, Verdict::changed);  // the next run finds them as files of their own
      continue;
    }
    try {
      adopt(s, inode, outcome);
    } catch (const std::system_error& error) {
      judge(s.scan, names, Verdict::shared_unprotected);
      note_failure(s, outcome, names.front(), error.code().message());
    }
  }
  run(s, to_break, outcome);
}

void separate_doubles(const Settling& s, Outcome& outcome) {
  std::map<std::uint32_t, std::vector<BreakTask>> to_break;
  for (const auto& inode : s.candidates.inodes) {
    const auto names = s.candidates.names_of(inode);
    if (!inode.shared || inode.complete) continue;
    for (std::size_t i = 1; i < names.size(); ++i) {
      if (names[i].guest != names[i - 1].guest) continue;
      to_break[s.place_of[names[i].guest]].push_back(break_off(s, names.subspan(i, 1)));
      judge(s.scan, names.subspan(i, 1), Verdict::changed);
    }
  }
  run(s, to_break, outcome);
}

void unmark_last_names(const Settling& s, Outcome& outcome) {
  for (const auto index : s.candidates.last_names) {
    const auto& inode = s.candidates.inodes[index];
    if (inode.is_keeper || inode.given_up) continue;
    const auto name = s.candidates.names_of(inode).front();
    try {
      if (!s.dry_run) {
        const Fd fd = s.guests[name.guest].root.open_regular(s.scan.trees[name.guest].path(name.file));
        if (!release_last_name(fd.get(), {s.guests[name.guest].fs, file_of(s, name).ino})) continue;
        if (s.index != nullptr) s.index->forget(name.guest, file_of(s, name).ino);
      }
      ++outcome.unmarked_files;
      judge(s.scan, {&name, 1}, Verdict::no_twin);
    } catch (const std::system_error& error) {
      note_failure(s, outcome, name, error.code().message());
    }
  }
}

}  // namespace vunify
