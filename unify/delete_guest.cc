// SPDX-License-Identifier: Apache-2.0
#include "unify/delete_guest.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "change/clear_tree.h"
#include "change/remove_names.h"
#include "guest/adopt.h"
#include "guest/staging.h"
#include "hashindex/forget.h"
#include "survey/scan.h"
#include "survey/survey.h"
#include "sys/directory.h"
#include "sys/process_roots.h"
#include "unify/freed.h"
#include "unify/tally.h"

namespace vunify {
namespace {

using InodeNames = std::vector<std::uint32_t>;  // of one inode, indices into the tree's files

std::optional<Refusal> what_forbids(const Guest& guest) {
  const auto &path = guest.path(), &tree = guest.root.host_path();
  if (path == "/") return Refusal{path, "is the host's root"};
  for (const auto process : ProcessRoots().processes_in(tree))
    return Refusal{path, "process " + std::to_string(process) + " lives in it: stop the guest first"};
  for (const auto& mount : read_mounts())
    if (mount.point.starts_with(tree + "/")) return Refusal{path, mount.point + " is mounted in it: unmount it first"};
  return std::nullopt;
}

Scan look(const std::vector<Guest>& guests, const Run& run) {
  return scan_guests(guests, {.min_size = 0}, run.stop, run.counters);
}

std::map<std::uint64_t, InodeNames> by_inode(const Tree& tree) {
  std::map<std::uint64_t, InodeNames> inodes;
  for (std::uint32_t i = 0; i < tree.files().size(); ++i) inodes[tree.file(i).ino].push_back(i);
  return inodes;
}

// Bytes that go with the guest are private, those that others have as well are shared.
GuestOutcome describe(const Guest& guest, const Tree& tree) {
  GuestOutcome outcome;
  outcome.name = guest.name;
  outcome.root = guest.path();
  outcome.files = tree.files().size();
  for (const auto& [ino, names] : by_inode(tree)) {
    const auto& file = tree.file(names.front());
    outcome.bytes += file.bytes_on_disk();
    (file.nlink > names.size() ? outcome.shared_bytes : outcome.private_bytes) += file.bytes_on_disk();
  }
  return outcome;
}

OnDisk on_disk_of(const Guest& guest, const Tree& tree, std::uint32_t file) {
  try {
    const Fd fd = guest.root.open_regular(tree.path(file));
    return on_disk(fd.get(), stat_fd(fd.get()), guest.mount);
  } catch (const std::system_error&) {
    return {.alone = tree.file(file).bytes_on_disk()};
  }
}

// By all that goes with the guest.
std::uint64_t count_freed(const Guest& guest, const Tree& tree, const GuestOutcome& described) {
  if (!can_share_data(guest.mount)) return described.private_bytes;
  std::vector<OnDisk> own;
  for (const auto& [ino, names] : by_inode(tree))
    if (tree.file(names.front()).nlink == names.size()) own.push_back(on_disk_of(guest, tree, names.front()));
  std::vector<const OnDisk*> gone;
  for (const auto& one : own) gone.push_back(&one);
  const auto freed = freed_by(gone, {});
  return std::accumulate(freed.begin(), freed.end(), std::uint64_t{0});
}

using Reasons = std::map<std::string, std::string>;  // by path

// Returns why what is left could not go.
Reasons remove_protected(const std::vector<Guest>& guests, const Run& run) {
  const auto& guest = guests.front();
  auto scan = look(guests, run);
  const auto& tree = scan.trees.front();
  std::vector<RemoveRequest> requests;
  std::vector<FileId> last;  // what one other has left
  for (const auto& [ino, names] : by_inode(tree)) {
    RemoveRequest request{{}, {guest.fs, ino}};
    for (const auto name : names) request.names.push_back({&guest.root, tree.path(name)});
    if (tree.file(names.front()).nlink == names.size() + 1) last.push_back(request.inode);
    requests.push_back(std::move(request));
  }
  forget_inodes(index_path(run.state_dir), last);
  run.counters.begin(Phase::link, requests.size());
  Journal journal(run.state_dir, "delete");
  const auto results =
      NameRemover(journal, guest.root.fd(), staging_path({&guest})).run(requests, [&] { return run.stop.requested(); });
  Reasons reasons;
  for (std::size_t i = 0; i < requests.size(); ++i)
    for (const auto& name : requests[i].names)
      if (!results[i].reason.empty()) reasons[name.path] = results[i].reason;
  return reasons;
}

// Where it is a mount point it stays.
void remove_root(const Guest& guest) {
  const auto leaf = std::string(split_path(guest.root.host_path()).leaf);
  const Fd above = open_parent(guest.root.fd());
  const auto named = stat_name(above.get(), leaf.c_str());
  if (named && named->ino == stat_fd(guest.root.fd()).ino && mount_id(above.get()) == mount_id(guest.root.fd()))
    remove_empty_directory(above.get(), leaf);
}

void remove_all(const std::vector<Guest>& guests, const Run& run, Outcome& outcome) {
  const auto& guest = guests.front();
  const auto stop = [&] { return run.stop.requested(); };
  const auto first = clear_tree(guest.root, stop);
  Reasons reasons;
  if (std::ranges::any_of(first, &NotCleared::protected_file) && !stop()) reasons = remove_protected(guests, run);
  const auto left = first.empty() || stop() ? first : clear_tree(guest.root, stop);
  if (stop()) return;
  for (const auto& one : left) {
    const auto known = reasons.find(one.path);
    outcome.failed.push_back({guest.name, one.path, known != reasons.end() ? known->second : one.reason});
  }
  if (left.empty()) remove_root(guest);
  if (left.empty() && guest.is_adopted()) remove_mount_point(guest.path());
}

}  // namespace

std::optional<Refusal> delete_guest(const std::vector<Guest>& guests, const Run& run, Outcome& outcome) {
  const auto& guest = guests.front();
  if (auto refusal = what_forbids(guest)) return refusal;
  const auto scan = look(guests, run);
  auto told = describe(guest, scan.trees.front());
  told.freed_bytes = count_freed(guest, scan.trees.front(), told);
  if (!run.dry_run && !run.stop.requested()) {
    remove_all(guests, run, outcome);
    const auto rest = look(guests, run);
    const auto left = describe(guest, rest.trees.front());
    told.files -= std::min(told.files, left.files);
    told.freed_bytes -= std::min(told.freed_bytes, count_freed(guest, rest.trees.front(), left));
  }
  outcome.deleted = true;
  outcome.guests.push_back(std::move(told));
  return std::nullopt;
}

}  // namespace vunify
