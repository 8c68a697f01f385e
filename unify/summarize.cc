// SPDX-License-Identifier: Apache-2.0
#include "unify/summarize.h"

#include <map>

namespace vunify {
namespace {

GuestOutcome count_files(const Guest& guest, const Tree& tree) {
  GuestOutcome outcome;
  outcome.name = guest.name;
  outcome.xid = guest.xid;
  outcome.root = guest.root.host_path();
  for (const auto& file : tree.files()) {
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

std::string uuid_of(const Guest& guest) {
  auto fs = guest.fs;
  fs.subvolume = 0;
  return to_string(fs);
}

}  // namespace

void count_shared(const Scan& scan, const Candidates& candidates, Outcome& outcome) {
  for (const auto& inode : candidates.inodes) {
    const auto names = candidates.names_of(inode);
    const auto& file = scan.trees[names.front().guest].file(names.front().file);
    if (file.verdict != Verdict::shared) continue;
    outcome.shared_files += names.size();
    if (!inode.given_up) outcome.shared_bytes += file.bytes_on_disk();
  }
}

void summarize(const std::vector<Guest>& guests, const Scan& scan, const std::vector<Place>& places, const Tally& tally,
               Outcome& outcome) {
  for (std::size_t i = 0; i < guests.size(); ++i) {
    outcome.guests.push_back(count_files(guests[i], scan.trees[i]));
    outcome.guests.back().linked_files = tally.linked_files[i];
    outcome.guests.back().freed_bytes = tally.freed_bytes[i];
  }
  for (const auto& place : places)
    for (const auto guest : place.guests) outcome.guests[guest].protection = name_of(place.protection);
  for (const auto& failure : scan.failed)
    outcome.failed.push_back({guests[failure.guest].name, failure.path, failure.reason});
  outcome.failed.insert(outcome.failed.end(), tally.failed.begin(), tally.failed.end());
  outcome.read_files = tally.read_files;
  outcome.read_bytes = tally.read_bytes;
  outcome.freed_when_closed = tally.freed_when_closed;
  outcome.disk_full |= tally.disk_full;
}

std::vector<FilesystemOutcome> measure_space(const std::vector<Guest>& guests) {
  std::map<std::string, FilesystemOutcome> by_uuid;
  for (const auto& guest : guests) {
    const auto uuid = uuid_of(guest);
    if (by_uuid.contains(uuid)) continue;
    sync_filesystem(guest.root.fd(), guest.root.host_path());
    const auto free = space_of(guest.root.fd()).free;
    by_uuid[uuid] = {uuid, free, free};
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
