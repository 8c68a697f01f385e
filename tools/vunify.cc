// SPDX-License-Identifier: Apache-2.0
// vunify: makes equal files of different guests one inode, safely, and takes it back. The program is a list of verbs:
// each takes what the one before it left.
#include <tbb/global_control.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "guest/state_dir.h"
#include "hashindex/index.h"
#include "survey/candidates.h"
#include "survey/scan.h"
#include "sys/process.h"
#include "tools/cli.h"
#include "tools/options.h"
#include "tools/progress.h"
#include "tools/report.h"
#include "tools/status.h"
#include "tools/text.h"
#include "tools/why.h"
#include "unify/deunify_guests.h"
#include "unify/link_groups.h"
#include "unify/place.h"
#include "unify/recover.h"
#include "unify/settle.h"
#include "unify/share_groups.h"
#include "unify/shifted_owners.h"
#include "unify/summarize.h"

namespace vunify {
namespace {

// What a run begins with, and what it has to tell in the end.
struct Run {
  const Options& options;
  std::string state_dir;
  std::size_t open_files;
  Stop stop;
  Counters counters;
  Outcome outcome;
  std::unique_ptr<Index> index;  // absent where there is none to be had
};

// Does the work and returns the seconds it took.
double timed(const auto& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::vector<Guest> open_roots(const Options& options) {
  auto opened = open_guests(options.roots);
  if (opened.refused.empty()) return std::move(opened.guests);
  const auto unknown = std::ranges::find(opened.refused, true, &Refusal::unknown);
  if (unknown != opened.refused.end()) throw Failed(Exit::refused, printable(unknown->path) + ": " + unknown->reason);
  for (std::size_t i = 1; i < opened.refused.size(); ++i)
    complain(printable(opened.refused[i].path) + ": " + opened.refused[i].reason);
  throw Failed(Exit::usage, printable(opened.refused[0].path) + ": " + opened.refused[0].reason);
}

// Guests without protection are left alone; where no guest has any, nothing is done at all.
void check_protection(Run& run, const std::vector<Guest>& guests, const std::vector<Place>& places) {
  bool any = false;
  for (const auto& place : places) {
    any |= place.protection != Protection::none;
    if (place.protection != Protection::none) continue;
    for (const auto guest : place.guests) run.outcome.failed.push_back({guests[guest].name, "", place.reason});
  }
  if (!any)
    throw Failed(Exit::refused, printable(guests[places[0].guests[0]].root.host_path()) + ": " + places[0].reason);
}

// Guests that share inodes are taken apart from those that share data: others are no place for these.
std::vector<std::uint32_t> only(Sharing sharing, const std::vector<Place>& places, std::size_t guests) {
  auto place_of = place_of_guests(places, guests);
  for (auto& place : place_of)
    if (place != no_place && sharing_of(places[place]) != sharing) place = no_place;
  return place_of;
}

Tally unify_by(Sharing sharing, Run& run, const std::vector<Guest>& guests, const std::vector<Place>& places,
               Scan& scan) {
  const auto& options = run.options;
  const bool inodes = sharing == Sharing::inodes;
  const auto place_of = only(sharing, places, guests.size());
  auto candidates = find_candidates(
      scan, place_of, {inodes, !options.ignore_mtime, run.index ? run.index->find_unwalked(guests) : FindUnwalked()});
  const Settling settling{guests, scan, candidates, places, place_of, options.dry_run, run.state_dir, run.index.get()};
  const LinkRules rules{options.dry_run, !options.ignore_mtime, options.jobs,
                        run.open_files,  run.state_dir,         run.index.get()};
  adopt_unprotected(settling, run.outcome);
  separate_doubles(settling, run.outcome);
  auto tally = inodes ? link_groups(guests, scan, candidates, places, place_of, rules, run.stop, run.counters)
                      : share_groups(guests, scan, candidates, rules, run.stop, run.counters);
  if (inodes) find_shifted_owners(guests, scan, place_of, rules, run.stop, run.counters, tally);
  unmark_last_names(settling, run.outcome);
  count_shared(scan, candidates, run.outcome);
  return tally;
}

// A run that loses its index goes on without.
void tend(Run& run, const auto& work) {
  if (run.index == nullptr || run.options.dry_run) return;
  try {
    work(*run.index);
  } catch (const std::system_error& error) {
    run.outcome.failed.push_back({"", index_path(run.state_dir), error.code().message()});
    run.index.reset();
  }
}

void unify(Run& run) {
  const auto guests = open_roots(run.options);
  run.outcome.filesystems = measure_space(guests);
  auto places = find_places(guests, run.options.protect, run.options.dry_run);
  check_protection(run, guests, places);

  tend(run, [&](Index& index) { index.begin(guests); });

  Scan scan;
  run.outcome.walk_seconds = timed([&] {
    ScanRules rules{&run.options.exclude, run.options.min_size, {}};
    if (run.index)
      rules.known_shared = [&](const FsId& fs, const Inode& inode) { return run.index->knows_shared(fs, inode); };
    scan = scan_guests(guests, rules, run.stop, run.counters);
  });
  const bool walked_all = !run.stop.requested();
  leave_unprotected(scan, place_of_guests(places, guests.size()));

  Tally tally(guests.size());
  const auto seconds = timed([&] {
    for (const auto sharing : {Sharing::inodes, Sharing::data}) tally.add(unify_by(sharing, run, guests, places, scan));
    name_other_mounts(guests, places, scan);
  });
  run.outcome.link_seconds = static_cast<double>(tally.linking_nanoseconds) / 1e9 / run.options.jobs;
  run.outcome.prove_seconds = std::max(0.0, seconds - run.outcome.link_seconds);

  tend(run, [&](Index& index) { index.end(guests, scan, walked_all); });
  close_places(places);
  summarize(guests, scan, places, tally, run.outcome);
  measure_space_after(guests, run.outcome);
}

void deunify(Run& run) {
  const auto guests = open_roots(run.options);
  run.outcome.filesystems = measure_space(guests);
  const auto refusal = deunify_guests(guests, run.options.dry_run, run.state_dir, run.stop, run.counters, run.outcome);
  if (refusal) throw Failed(Exit::refused, printable(refusal->path) + ": " + refusal->reason);
  measure_space_after(guests, run.outcome);
}

// What an interrupted run left comes first, whatever was asked for.
void recover_state(Run& run) {
  const auto recovery = recover(run.state_dir);
  run.outcome.recovered_files = recovery.names;
  for (const auto& kept : recovery.kept) run.outcome.failed.push_back({"", kept.path, kept.reason});
}

void carry_out(Run& run) {
  run.outcome.started = clock_now();
  run.outcome.dry_run = run.options.dry_run;
  run.outcome.total_seconds = timed([&] {
    if (!run.options.dry_run) recover_state(run);
    if (run.options.verb == Verb::unify) unify(run);
    if (run.options.verb == Verb::deunify) deunify(run);
  });
  run.outcome.complete = !run.stop.requested() && !run.outcome.disk_full;
}

// What was done is told, also where the report cannot be kept.
void keep_report(Run& run, const StateDir& state) {
  try {
    state.keep_report(report_json(run.outcome, exit_of(run.outcome, run.stop.signal())));
  } catch (const std::system_error& error) {
    run.outcome.failed.push_back({"", state.path() + "/report.json", error.code().message()});
  }
}

Exit tell(Run& run, const StateDir* state) {
  if (state != nullptr && run.options.verb == Verb::unify) keep_report(run, *state);
  const auto exit = exit_of(run.outcome, run.stop.signal());
  print(run.options.json ? report_json(run.outcome, exit) : report_text(run.outcome, exit, run.options.detail));
  return exit;
}

std::optional<StateDir> lock_state(const Options& options) {
  if (options.dry_run) return std::nullopt;
  StateDir state(options.state_dir);
  if (!state.lock())
    throw Failed(Exit::locked, printable(options.state_dir) + ": process " + state.holder() + " holds the lock");
  return state;
}

// A run that gets no index goes on without; one that finds somebody else's file in its place does not.
void open_index(Run& run) {
  const auto access = run.options.dry_run ? lmdb::Access::read : lmdb::Access::write;
  auto opened = Index::open(run.options.state_dir, access);
  const auto path = index_path(run.options.state_dir);
  if (opened.refused) throw Failed(Exit::fatal, printable(path) + ": " + opened.note);
  run.index = std::move(opened.index);
  if (opened.note.empty()) return;
  if (run.index != nullptr || run.options.dry_run)
    complain(printable(path) + ": " + opened.note);
  else
    run.outcome.failed.push_back({"", path, opened.note});
}

Exit vunify(int argc, char** argv) {
  const auto options = parse_options(argc, argv);
  if (options.verb == Verb::status) return tell_status(options);
  if (!is_root()) throw Failed(Exit::refused, "only root may read and link every guest's files");
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, options.jobs);
  use_idle_io();
  catch_stop_signals();
  const auto open_files = raise_open_files_limit();
  if (options.verb == Verb::why) return tell_why(options);
  const auto state = lock_state(options);
  Run run{options, state ? state->path() : "", open_files, Stop(options.max_time), {}, {}, {}};
  if (options.verb == Verb::unify) open_index(run);
  try {
    const Progress progress(progress_mode(options.progress), run.counters);
    carry_out(run);
  } catch (const std::system_error& error) {
    if (is_error(error, EWOULDBLOCK)) throw Failed(Exit::locked, one_line(error.what()));
    throw;
  }
  return tell(run, state ? &*state : nullptr);
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vunify); }
