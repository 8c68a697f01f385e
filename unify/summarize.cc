// SPDX-License-Identifier: Apache-2.0
#include "unify/summarize.h"

#include <cassert>
#include <map>

#include "change/protection.h"
#include "sys/removed_space.h"

namespace vunify {
namespace {

GuestOutcome outcome_of(const Guest& guest) {
  GuestOutcome outcome;
  outcome.name = guest.name;
  outcome.xid = guest.xid;
  outcome.root = guest.path();
  outcome.protection = name_of(Protection::none);
  return outcome;
}

GuestOutcome count_files(const Guest& guest, const Tree& tree) {
  auto outcome = outcome_of(guest);
  for (const auto& file : tree.files()) {
    assert(file.verdict != Verdict::open);
    ++outcome.files;
    outcome.bytes += file.bytes_on_disk();
    if (file.verdict == Verdict::shared) {
      outcome.shared_bytes += file.bytes_on_disk();
    } else {
      outcome.private_bytes += file.bytes_on_disk();
      ++outcome.skipped[static_cast<std::size_t>(file.verdict)];
    }
  }
  return outcome;
}

void count_private(const Tree& tree, bool would_be, GuestOutcome& guest, Outcome& outcome) {
  for (const auto& file : tree.files()) {
    const bool shared = file.marked && !would_be;
    ++guest.files;
    guest.bytes += file.bytes_on_disk();
    (shared ? guest.shared_bytes : guest.private_bytes) += file.bytes_on_disk();
    outcome.shared_files += shared;
  }
}

void note_scan_failures(const std::vector<Guest>& guests, const Scan& scan, Outcome& outcome) {
  for (const auto& failure : scan.failed)
    outcome.failed.push_back({guests[failure.guest].name, failure.path, failure.reason});
}

std::string uuid_of(const Guest& guest) {
  auto fs = guest.fs;
  fs.subvolume = 0;
  return to_string(fs);
}

}  // namespace

void count_shared(Survey& survey, Outcome& outcome) {
  for (std::uint32_t index = 0; index < survey.candidates.inodes.size(); ++index) {
    const auto& inode = survey.inode(index);
    std::uint64_t shared = 0;
    for (const auto name : survey.names_of(index)) {
      auto& verdict = survey.file(name).verdict;
      if (verdict == Verdict::open && inode.shared) verdict = Verdict::shared;
      shared += verdict == Verdict::shared;
    }
    const bool unwalked = inode.name_count == 0 && inode.is_keeper;
    const bool counted = inode.given_up || inode.lies_with_another;  // with the inode that stands for it
    outcome.shared_files += shared;
    if ((shared != 0 && !counted) || unwalked) outcome.shared_bytes += survey.file_of(index).bytes_on_disk();
  }
}

void summarize(const std::vector<Guest>& guests, const Scan& scan, const Places& places, const Tally& tally,
               Outcome& outcome) {
  for (std::size_t i = 0; i < guests.size(); ++i) {
    outcome.guests.push_back(count_files(guests[i], scan.trees[i]));
    outcome.guests.back().linked_files = tally.linked_files[i];
    outcome.guests.back().freed_bytes = tally.freed_bytes[i];
  }
  for (const auto& place : places.all())
    for (const auto guest : place.guests) outcome.guests[guest].protection = name_of(place.protection);
  note_scan_failures(guests, scan, outcome);
  outcome.failed.insert(outcome.failed.end(), tally.failed.begin(), tally.failed.end());
  outcome.read_files = tally.read_files;
  outcome.read_bytes = tally.read_bytes;
  outcome.freed_when_closed = tally.freed_when_closed;
  outcome.disk_full |= tally.disk_full;
}

void summarize_private(const std::vector<Guest>& guests, const Scan& scan, bool would_be, Outcome& outcome) {
  outcome.deunified = true;
  std::map<FileId, std::uint64_t> shared;
  for (std::size_t i = 0; i < guests.size(); ++i) {
    outcome.guests.push_back(outcome_of(guests[i]));
    count_private(scan.trees[i], would_be, outcome.guests.back(), outcome);
    for (const auto& file : scan.trees[i].files())
      if (file.marked && !would_be) shared[{guests[i].fs, file.ino}] = file.bytes_on_disk();
  }
  for (const auto& [inode, bytes] : shared) outcome.shared_bytes += bytes;
  note_scan_failures(guests, scan, outcome);
}

std::vector<FilesystemOutcome> measure_space(const std::vector<Guest>& guests) {
  std::map<std::string, FilesystemOutcome> by_uuid;
  for (const auto& guest : guests) {
    const auto uuid = uuid_of(guest);
    if (by_uuid.contains(uuid)) continue;
    wait_for_removals(guest.root.fd());
    sync_filesystem(guest.root.fd(), guest.path());
    const auto free = space_of(guest.root.fd()).free;
    by_uuid[uuid] = {uuid, guest.mount.point, guest.mount.source, free, free};
  }
  std::vector<FilesystemOutcome> filesystems;
  for (const auto& [uuid, filesystem] : by_uuid) filesystems.push_back(filesystem);
  return filesystems;
}

void measure_space_after(const std::vector<Guest>& guests, Outcome& outcome) {
  auto after = outcome.dry_run ? outcome.filesystems : measure_space(guests);
  for (std::size_t i = 0; i < after.size(); ++i) outcome.filesystems[i].free_after = after[i].free_before;
  if (!outcome.dry_run) return;
  for (std::size_t i = 0; i < guests.size(); ++i) {
    const auto uuid = uuid_of(guests[i]);
    for (auto& filesystem : outcome.filesystems)
      if (filesystem.uuid == uuid) filesystem.free_after += outcome.guests[i].freed_bytes;
  }
}

}  // namespace vunify
