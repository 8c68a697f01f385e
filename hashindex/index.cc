// SPDX-License-Identifier: Apache-2.0
#include "hashindex/index.h"

#include <tbb/parallel_sort.h>

#include <algorithm>
#include <set>

#include "hashindex/keepers.h"
#include "sys/handle.h"

namespace vunify {
namespace {

// Empty where it can be read.
std::string what_is_wrong(const std::string& path, lmdb::Access access) {
  switch (examine_seal(path)) {
    case Condition::damaged:
      return "damaged: it does not fit its seal";
    case Condition::other_version:
      return "made by another version of vunify";
    case Condition::being_written:
      return (access == lmdb::Access::write ? salvage(path) : survives_reading(path))
                 ? ""
                 : "damaged: a run that wrote it was interrupted";
    default:
      return "";
  }
}

std::string reason_of(const std::system_error& error) { return error.code().message(); }

KeptBy kept_by(const Guest& guest) { return guest.is_adopted() ? KeptBy::cow : KeptBy::flag; }

Record record_of(const Learnt& learnt) {
  Record record;
  record.size = learnt.seen.stamp.size;
  record.mtime = learnt.seen.stamp.mtime;
  record.digest = learnt.digest;
  record.match = learnt.match;
  record.by_layout = learnt.by_layout;
  record.guarded = learnt.guarded;
  return record;
}

bool is_gone(const std::vector<Guest>& guests, const std::vector<std::uint32_t>& filesystems, std::uint32_t fs,
             std::string_view handle) {
  const auto on_it = std::ranges::find(filesystems, fs);
  if (on_it == filesystems.end() || handle.empty()) return false;
  try {
    return !open_handle(guests[static_cast<std::size_t>(on_it - filesystems.begin())].root.fd(), std::string(handle));
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace

Index::Opened Index::open(const std::string& state_dir, lmdb::Access access) {
  const auto path = index_path(state_dir);
  const bool writes = access == lmdb::Access::write;
  Opened opened;
  try {
    const auto condition = examine_seal(path);
    if (condition == Condition::foreign) return {nullptr, "not an index of vunify's, or not root's alone", true};
    if (condition == Condition::absent && !writes) return opened;
    opened.note = what_is_wrong(path, access);
    if (!opened.note.empty()) opened.note += writes ? "; begun anew" : "; not used";
    if (!opened.note.empty() && !writes) return opened;
    if (!opened.note.empty() || (writes && condition == Condition::absent)) remove_index(path);
    if (writes) break_seal(path);
    if (writes && !findings_survive(path)) {
      Delta(path).remove();
      opened.note = "what an interrupted run had learnt is damaged, and left out";
    }
    opened.index = std::make_unique<Index>(path, access);
  } catch (const std::system_error& error) {
    opened.note = reason_of(error) + "; this run goes without";
  }
  return opened;
}

Index::Index(const std::string& path, lmdb::Access access) : store_(path, access), delta_(path), shared_(store_) {
  if (access == lmdb::Access::write) merge(store_, delta_);
}

FindUnwalked Index::find_unwalked(const std::vector<Guest>& guests) const {
  std::set<std::pair<std::optional<std::uint32_t>, std::uint64_t>> roots;
  for (const auto& guest : guests) roots.emplace(store_.number_of(guest.fs), stat_fd(guest.root.fd()).ino);
  const auto is_here = [&](const KnownGuest& known) { return roots.contains({known.fs, known.root_ino}); };
  if (std::ranges::all_of(store_.guests(), is_here)) return {};
  return [keepers = std::make_shared<Keepers>(store_), &guests](std::uint32_t guest, const FsId& fs, const File& file) {
    return keepers->like(guest, fs, file, kept_by(guests[guest]));
  };
}

Knowledge Index::look_up(const Survey& survey, bool by_layout) const { return {store_, survey, by_layout}; }

void Index::begin(const std::vector<Guest>& guests) {
  guests_ = store_.enroll(guests, clock_now().sec);
  for (const auto& guest : guests) {
    filesystems_.push_back(*store_.number_of(guest.fs));
    kept_.push_back(kept_by(guest));
  }
}

// The caller may be between two steps of a link: nothing that happens to the index may stop it there.
void Index::keep(Finding finding) {
  const std::lock_guard lock(failing_);
  if (failed_) return;
  try {
    delta_.add(std::move(finding));
  } catch (const std::system_error& error) {
    failed_ = error;
  }
}

void Index::learn_private(std::uint32_t guest, const Learnt& learnt) {
  if (!is_old_enough(learnt.seen.stamp, learnt.reading)) return;
  Finding finding{.key = key_of(guest, learnt.seen.ino), .record = record_of(learnt)};
  finding.record.changed = learnt.seen.stamp.ctime;
  finding.record.guest = guests_[guest];
  keep(std::move(finding));
}

void Index::learn_shared(std::uint32_t guest, const Learnt& learnt) {
  const auto& seen = learnt.seen;
  const auto stat = stat_hash(key(), seen.mode, seen.uid, seen.gid, seen.stamp.mtime.sec, kept_[guest]);
  Finding finding{
      .key = key_of(guest, seen.ino), .record = record_of(learnt), .stat_hash = stat, .handle = learnt.handle};
  finding.record.changed = seen.born;
  finding.record.shared = true;
  keep(std::move(finding));
}

void Index::forget(std::uint32_t guest, std::uint64_t ino) { keep({.key = key_of(guest, ino), .is_gone = true}); }

Walked Index::walked(const Scan& scan) const {
  Walked walked;
  walked.guests.insert(guests_.begin(), guests_.end());
  for (const auto& failure : scan.failed) walked.guests.erase(guests_[failure.guest]);
  std::map<std::uint32_t, std::size_t> files;
  for (std::size_t i = 0; i < guests_.size(); ++i) files[filesystems_[i]] += scan.trees[i].files().size();
  for (const auto& [fs, count] : files) walked.inodes[fs].reserve(count);
  for (std::size_t i = 0; i < guests_.size(); ++i)
    for (const auto& file : scan.trees[i].files()) walked.inodes[filesystems_[i]].push_back(file.ino);
  for (auto& [fs, inodes] : walked.inodes) tbb::parallel_sort(inodes.begin(), inodes.end());
  return walked;
}

void Index::end(const std::vector<Guest>& guests, const Scan& scan, bool walked_all) {
  if (failed_) throw std::system_error(*failed_);
  if (!delta_.is_empty()) {
    merge(store_, delta_);
    if (walked_all)
      prune(store_, walked(scan),
            [&](std::uint32_t fs, std::string_view handle) { return is_gone(guests, filesystems_, fs, handle); });
  }
  make_seal(store_.path());
}

}  // namespace vunify
