// SPDX-License-Identifier: Apache-2.0
#include "unify/deunify_guests.h"

#include <algorithm>
#include <functional>
#include <map>
#include <span>

#include "change/break_links.h"
#include "change/last_name.h"
#include "guest/staging.h"
#include "hashindex/forget.h"
#include "survey/scan.h"
#include "survey/survey.h"
#include "sys/clone.h"
#include "unify/stale_marks.h"
#include "unify/summarize.h"
#include "unify/tally.h"

namespace vunify {
namespace {

using Names = std::vector<NameRef>;

// The inodes of one place that have names outside a guest, shared by a run or not (cp -al). Where all names of an inode
// are among its guests, the last of them keeps it, if no guest may hold it otherwise (change/last_name.h).
struct Breaking {
  std::vector<std::uint32_t> guests;
  std::vector<BreakRequest> requests{};
  Names first_names{};      // of each request
  Names last_names{};       // of inodes with one name, which it keeps
  std::uint64_t bytes = 0;  // of all copies
};

// Shared inodes of which all names were found: these lose their mark. One that further guests have stays shared.
std::vector<FileId> released_inodes(const Survey& survey) {
  std::map<FileId, std::uint32_t> found;
  std::vector<FileId> released;
  for (std::size_t guest = 0; guest < survey.guests.size(); ++guest)
    for (const auto& file : survey.trees[guest].files()) {
      const FileId inode{survey.guests[guest].fs, file.ino};
      if (file.marked && ++found[inode] == file.nlink) released.push_back(inode);
    }
  return released;
}

// Those that keep the inode where all its names were found: one of an inode that adopted guests share; else all that
// the last guest linked itself.
std::size_t keeper_count(const Survey& survey, const Names& names) {
  const auto& file = survey.file(names.front());
  if (file.nlink != names.size()) return 0;
  if (file.marked) return keeps_last_inode(survey.guest(names.front()).root) ? 1 : 0;
  return static_cast<std::size_t>(
      std::ranges::count_if(names, [&](NameRef name) { return name.guest == names.back().guest; }));
}

std::vector<GuestName> guest_names(const Survey& survey, std::span<const NameRef> names) {
  std::vector<GuestName> all;
  for (const auto name : names) all.push_back(survey.guest_name(name));
  return all;
}

void plan_inode(const Survey& survey, const Names& names, Breaking& breaking) {
  const auto first = names.front();
  const auto& file = survey.file(first);
  const auto leaving = names.size() - keeper_count(survey, names);
  if (leaving == 0 && file.marked) return breaking.last_names.push_back(first);
  if (leaving == 0) return;
  BreakRequest request{.names = guest_names(survey, std::span(names).first(leaving)),
                       .inode = {survey.guest(first).fs, file.ino},
                       .links = file.nlink,
                       .together = !file.marked,
                       .stay = guest_names(survey, std::span(names).subspan(leaving))};
  const std::size_t freed = leaving == file.nlink ? 1 : 0;  // the inode itself goes
  breaking.bytes += file.bytes_on_disk() * (copies_of(request).size() - freed);
  breaking.first_names.push_back(first);
  breaking.requests.push_back(std::move(request));
}

Breaking plan_breaking(const Survey& survey, std::vector<std::uint32_t> guests) {
  Breaking breaking{std::move(guests)};
  std::map<std::uint64_t, Names> inodes;  // by number: one filesystem
  for (const auto guest : breaking.guests)
    for (std::uint32_t i = 0; i < survey.trees[guest].files().size(); ++i)
      if (const auto& file = survey.trees[guest].file(i); file.marked || file.nlink > 1)
        inodes[file.ino].push_back({guest, i});
  for (const auto& [ino, names] : inodes) plan_inode(survey, names, breaking);
  return breaking;
}

std::string in_mebibytes(std::uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

Staging make_staging(const std::vector<Guest>& guests, const Breaking& breaking) {
  std::vector<const Guest*> members;
  for (const auto guest : breaking.guests) members.push_back(&guests[guest]);
  return Staging(members);
}

// Where there is no room even to try, whole copies are reckoned with.
bool may_reflink(int staging) {
  try {
    return has_reflink(staging);
  } catch (const std::system_error& error) {
    if (!is_disk_full(error)) throw;
    return false;
  }
}

// Refuses where no staging directory is to be had, or the copies would not fit.
std::optional<Refusal> prepare(const std::vector<Guest>& guests, const Breaking& breaking) {
  const auto& first = guests[breaking.guests.front()];
  bool reflink = false;
  try {
    reflink = may_reflink(make_staging(guests, breaking).fd());
  } catch (const StagingInUse&) {
    throw;
  } catch (const std::system_error& error) {
    return Refusal{first.path(), error.what()};
  }
  const auto free = space_of(first.root.fd()).free;
  if (breaking.bytes <= free || reflink) return std::nullopt;
  return Refusal{first.path(), "needs " + in_mebibytes(breaking.bytes) + " for private copies, has " +
                                   in_mebibytes(free) +
                                   "; where a guest is to go, vunify --delete DIR takes it away and needs no space"};
}

std::optional<Refusal> prepare_all(const std::vector<Guest>& guests, const std::vector<Breaking>& all) {
  for (const auto& breaking : all)
    if (auto refusal = prepare(guests, breaking)) return refusal;
  return std::nullopt;
}

const Guest& guest_of(const Survey& survey, const GuestName& name) {
  return *std::ranges::find_if(survey.guests, [&](const Guest& guest) { return &guest.root == name.root; });
}

void tell_copied(const Survey& survey, const BreakRequest& request, const BreakResult& result, bool dry_run,
                 const TellFile& tell) {
  const bool done = dry_run || result.copied == request.names.size();
  const auto verdict = done ? Verdict::open : result.changed ? Verdict::changed : Verdict::not_reached;
  for (const auto& name : request.names) tell({guest_of(survey, name), name.path, verdict, done});
}

void unmark(const Survey& survey, const Breaking& breaking, bool dry_run, Outcome& outcome, const TellFile& tell) {
  for (const auto name : breaking.last_names) {
    try {
      if (!dry_run) {
        const auto guest_name = survey.guest_name(name);
        const Fd fd = guest_name.root->open_regular(guest_name.path);
        if (!release_last_name(fd.get(), {survey.guest(name).fs, survey.file(name).ino}, {guest_name})) continue;
      }
      ++outcome.unmarked_files;
      if (tell) tell({survey.guest(name), survey.path(name), Verdict::open, true});
    } catch (const std::system_error& error) {
      outcome.failed.push_back(failure_at(survey, name, error.code().message()));
    }
  }
}

// Where a name that was to leave an inode moved away, those that were to keep it leave in its stead: whatever the other
// guest does, this one has an inode of its own.
void break_off_keepers(const Breaking& breaking, LinkBreaker& breaker, const std::function<bool()>& stop,
                       std::vector<BreakResult>& results) {
  std::vector<BreakRequest> requests;
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const bool failed = !results[i].reason.empty() && !results[i].changed;
    const auto& keepers = breaking.requests[i].stay;
    if (results[i].links_left == keepers.size() || failed || keepers.empty()) continue;
    requests.push_back(breaking.requests[i]);
    requests.back().names = keepers;
    indices.push_back(i);
  }
  const auto more = breaker.run(requests, stop);
  for (std::size_t i = 0; i < more.size(); ++i) {
    results[indices[i]].copied += more[i].copied;
    results[indices[i]].copies += more[i].copies;
    if (!more[i].reason.empty()) results[indices[i]].reason = more[i].reason;
  }
}

std::vector<BreakResult> break_all(const std::vector<Guest>& guests, const Breaking& breaking, const Run& run) {
  if (run.dry_run || breaking.requests.empty()) return std::vector<BreakResult>(breaking.requests.size());
  const auto stop = [&] { return run.stop.requested(); };
  // Made for each anew: through another mount it may be the directory of the last one.
  const Staging staging = make_staging(guests, breaking);
  Journal journal(run.state_dir, "break");
  LinkBreaker breaker(journal, staging.fd(), staging.path());
  auto results = breaker.run(breaking.requests, stop);
  break_off_keepers(breaking, breaker, stop, results);
  return results;
}

void count(const Survey& survey, const Breaking& breaking, const std::vector<BreakResult>& results, bool dry_run,
           Outcome& outcome, const TellFile& tell) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto first = breaking.first_names[i];
    const auto& request = breaking.requests[i];
    if (tell) tell_copied(survey, request, results[i], dry_run, tell);
    const auto copied = dry_run ? request.names.size() : results[i].copied;
    const auto copies = dry_run ? copies_of(request).size() : results[i].copies;
    outcome.count_copies(copied, copies * survey.file(first).bytes_on_disk());
    outcome.disk_full |= results[i].disk_full;
    if (!results[i].reason.empty()) outcome.failed.push_back(failure_at(survey, first, results[i].reason));
  }
}

void carry_out(const Survey& survey, const std::vector<Breaking>& all, const Run& run, Outcome& outcome,
               const TellFile& tell) {
  if (!run.dry_run) forget_inodes(index_path(run.state_dir), released_inodes(survey));
  for (const auto& breaking : all) {
    run.counters.begin(Phase::link, breaking.requests.size());
    count(survey, breaking, break_all(survey.guests, breaking, run), run.dry_run, outcome, tell);
    unmark(survey, breaking, run.dry_run, outcome, tell);
  }
}

}  // namespace

std::optional<Refusal> deunify_guests(const std::vector<Guest>& guests, const DeunifyRequest& request, const Run& run,
                                      Outcome& outcome) {
  auto scan = scan_guests(guests, {.min_size = 0}, run.stop, run.counters);
  outcome.stale_files = count_stale(scan.trees);
  const Survey survey{guests, scan.trees, {}};
  std::vector<Breaking> all;
  for (auto& members : guests_by_mount(guests)) all.push_back(plan_breaking(survey, std::move(members)));
  if (!run.dry_run) {
    if (auto refusal = prepare_all(guests, all)) return refusal;
    if (request.begin) request.begin();
  }
  carry_out(survey, all, run, outcome, request.tell);
  if (!run.dry_run && !run.stop.requested()) scan = scan_guests(guests, {.min_size = 0}, run.stop, run.counters);
  summarize_private(guests, scan, run.dry_run, outcome);
  return std::nullopt;
}

}  // namespace vunify
