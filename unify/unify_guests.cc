// SPDX-License-Identifier: Apache-2.0
#include "unify/unify_guests.h"

#include <algorithm>
#include <chrono>

#include "survey/scan.h"
#include "sys/file_locks.h"
#include "unify/adopt.h"
#include "unify/link_groups.h"
#include "unify/restore_attributes.h"
#include "unify/scratch_names.h"
#include "unify/separate.h"
#include "unify/settle.h"
#include "unify/share_groups.h"
#include "unify/shifted_owners.h"
#include "unify/stale_marks.h"
#include "unify/summarize.h"

namespace vunify {
namespace {

// Does the work and returns the seconds it took.
double timed(const auto& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Guests without protection are left alone; where no guest has any, nothing is done at all.
std::optional<Refusal> check_protection(const std::vector<Guest>& guests, const Places& places, Outcome& outcome) {
  bool any = false;
  for (const auto& place : places.all()) {
    any |= place.protection != Protection::none;
    if (place.protection != Protection::none) continue;
    for (const auto guest : place.guests) outcome.failed.push_back({guests[guest].name, "", place.reason});
  }
  if (any) return std::nullopt;
  const auto& first = places.all().front();
  return Refusal{guests[first.guests.front()].path(), first.reason};
}

void tend_index(Run& run, Outcome& outcome, const auto& work) {
  if (!run.learns()) return;
  try {
    work(*run.index);
  } catch (const std::system_error& error) {
    outcome.failed.push_back({"", index_path(run.state_dir), error.code().message()});
    run.index = nullptr;
  }
}

Scan walk_guests(const std::vector<Guest>& guests, std::uint64_t min_size, const Places& places, const Run& run) {
  ScanRules scan{.min_size = min_size};
  for (std::uint32_t guest = 0; guest < guests.size(); ++guest)
    scan.led_elsewhere.push_back(places.of(guest).sharing() == Sharing::inodes);
  if (run.index != nullptr)
    scan.known_shared = [&](const FsId& fs, const Inode& inode) { return run.index->knows_shared(fs, inode); };
  return scan_guests(guests, scan, run.stop, run.counters);
}

Tally unify_by(Sharing sharing, const std::vector<Guest>& guests, const Places& places, Trees& trees, const Run& run,
               Outcome& outcome, const Narrow& narrow) {
  const bool inodes = sharing == Sharing::inodes;
  const GroupRules rules{
      .metadata = inodes,
      .mtime = run.mtime,
      .find_unwalked = run.index != nullptr && run.one_group ? run.index->find_unwalked(guests) : FindUnwalked()};
  Survey survey{guests, trees, find_candidates(trees, places.where(sharing), rules)};
  if (narrow) narrow(survey.candidates);
  separate_changed(survey, places, run, outcome);
  take_flags_off(survey, places, run, outcome);
  restore_attributes(survey, places, run, outcome);
  renew_stale_marks(survey, places, run, outcome);
  auto tally = adopt_unprotected(survey, places, run, outcome);
  separate_doubles(survey, places, run, outcome);
  tally.add(inodes ? link_groups(survey, places, run) : share_groups(survey, run));
  if (inodes) find_shifted_owners(survey, places, run, tally);
  give_back_last_names(survey, places, run, outcome);
  count_shared(survey, outcome);
  return tally;
}

// What is open still was in a group that was taken away.
void leave_unasked(Trees& trees) {
  for (auto& tree : trees)
    for (std::uint32_t i = 0; i < tree.files().size(); ++i)
      if (auto& verdict = tree.file(i).verdict; verdict == Verdict::open) verdict = Verdict::not_asked;
}

void tell_files(const std::vector<Guest>& guests, const Trees& trees, const LinkedNames& linked, const TellFile& tell) {
  for (std::uint32_t guest = 0; guest < guests.size(); ++guest)
    for (std::uint32_t i = 0; i < trees[guest].files().size(); ++i) {
      const NameRef name{guest, i};
      const auto verdict = trees[guest].file(i).verdict;
      const bool done = verdict == Verdict::shared && linked.contains(name);
      const auto from = done ? linked.from(name) : std::nullopt;
      tell({guests[guest], trees[guest].path(i), verdict, done, from ? &guests[*from] : nullptr});
    }
}

}  // namespace

// Where it cannot be asked, every file would be one that cannot be opened.
std::optional<Refusal> check_locks() {
  try {
    FileLocks::read();
    return std::nullopt;
  } catch (const std::system_error& error) {
    return Refusal{"/proc/locks",
                   error.code().message() + ": who locks which file must be known (ProcSubset=pid hides it)"};
  }
}

Tally unify_files(const std::vector<Guest>& guests, const Places& places, Trees& trees, const Run& run,
                  Outcome& outcome, const Narrow& narrow) {
  leave_unprotected(trees, places);
  name_swap_files(guests, trees);
  Survey walked{guests, trees, {}};
  separate_hard_links(walked, places, run, outcome);
  Tally tally(guests.size());
  for (const auto sharing : {Sharing::inodes, Sharing::data})
    tally.add(unify_by(sharing, guests, places, trees, run, outcome, narrow));
  name_other_mounts(guests, places, trees);
  if (narrow) leave_unasked(trees);
  return tally;
}

std::optional<Refusal> unify_guests(const std::vector<Guest>& guests, const UnifyRequest& request, Run& run,
                                    Outcome& outcome) {
  if (auto refusal = check_locks()) return refusal;
  outcome.filesystems = measure_space(guests);
  Places places(guests, run.dry_run);
  if (auto refusal = check_protection(guests, places, outcome)) return refusal;

  tend_index(run, outcome, [&](Index& index) { index.begin(guests); });
  Scan scan;
  outcome.walk_seconds = timed([&] { scan = walk_guests(guests, request.min_size, places, run); });
  const bool walked_all = !run.stop.requested();
  outcome.stale_files = count_stale(scan.trees);
  remove_scratch_names(guests, places, scan.trees, run, outcome);

  LinkedNames linked;
  Run noting = run;
  noting.linked = request.tell ? &linked : nullptr;
  Tally tally(guests.size());
  const auto seconds = timed([&] { tally = unify_files(guests, places, scan.trees, noting, outcome, request.narrow); });
  outcome.link_seconds = static_cast<double>(tally.linking_nanoseconds) / 1e9 / run.jobs;
  outcome.prove_seconds = std::max(0.0, seconds - outcome.link_seconds);

  tend_index(run, outcome, [&](Index& index) { index.end(guests, scan, walked_all); });
  places.close();
  summarize(guests, scan, places, tally, outcome);
  measure_space_after(guests, outcome);
  if (request.tell) tell_files(guests, scan.trees, linked, request.tell);
  return std::nullopt;
}

}  // namespace vunify
