// SPDX-License-Identifier: Apache-2.0
#include "tools/session.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "change/leftovers.h"
#include "guest/adopted.h"
#include "guest/capable.h"
#include "guest/staging.h"
#include "move/arrival.h"
#include "sys/process.h"
#include "tools/limits.h"
#include "tools/progress.h"
#include "tools/recount.h"
#include "tools/report.h"
#include "tools/text.h"

namespace vunify {
namespace {

// By cron and a timer both, say: under -q that is no news.
[[noreturn]] void turn_away(const Options& options, const std::string& reason) {
  throw Failed(Exit::locked, options.detail == Detail::quiet ? "" : reason);
}

std::optional<StateDir> lock_state(const Options& options, const Choice& choice) {
  expect_state_outside(options, choice);
  if (options.dry_run) return std::nullopt;
  StateDir state(options.state_dir);
  if (!state.lock())
    turn_away(options, printable(options.state_dir) + ": process " + state.holder() + " holds the lock");
  return state;
}

constexpr std::size_t files_besides = 48;   // of a run itself: state, index, staging, tables of /proc
constexpr std::size_t files_a_guest = 2;    // its root, and a view of it
constexpr std::size_t files_a_worker = 64;  // the least that it links with

// Open files that the workers may hold together.
std::size_t files_for_workers(std::size_t guests) {
  const auto limit = raise_open_files_limit();
  const auto besides = files_besides + files_a_guest * guests;
  if (limit >= besides + files_a_worker) return limit - besides;
  throw Failed(Exit::refused, "ulimit -n: " + std::to_string(limit) + " open files are allowed, " +
                                  std::to_string(besides + files_a_worker) + " are needed");
}

// What the guests lie in.
std::set<std::string> directories_of(const std::vector<Guest>& guests) {
  std::set<std::string> directories;
  for (const auto& guest : guests) directories.emplace(split_path(guest.root.host_path()).parent);
  return directories;
}

void leave_out(const std::vector<Refusal>& refused, bool are_too_few, Outcome& outcome) {
  if (are_too_few) obey(refused.front());
  for (const auto& refusal : refused) outcome.failed.push_back({"", refusal.path, refusal.reason});
}

}  // namespace

void begin_as_root(const std::string& work) {
  if (!is_root()) throw Failed(Exit::refused, "only root may " + work);
  use_idle_io();
  catch_stop_signals();
}

std::vector<Guest> open_roots(const std::vector<GuestRoot>& roots, std::size_t least, Outcome& outcome) {
  auto opened = open_guests(roots);
  const auto can_wait = [&](const Refusal& refusal) {
    const auto root = std::ranges::find(roots, refusal.path, &GuestRoot::path);
    return refusal.for_now || (root != roots.end() && !root->name.empty());
  };
  if (opened.guests.size() >= least && std::ranges::all_of(opened.refused, can_wait)) {
    for (const auto& refusal : opened.refused) outcome.failed.push_back({"", refusal.path, refusal.reason});
    return std::move(opened.guests);
  }
  const auto unknown = std::ranges::find(opened.refused, true, &Refusal::unknown);
  if (unknown != opened.refused.end()) throw Failed(Exit::refused, printable(unknown->path) + ": " + unknown->reason);
  for (std::size_t i = 1; i < opened.refused.size(); ++i)
    complain(printable(opened.refused[i].path) + ": " + opened.refused[i].reason);
  throw Failed(Exit::usage, printable(opened.refused[0].path) + ": " + opened.refused[0].reason);
}

void expect_incapable(std::vector<Guest>& guests, std::size_t least, Outcome& outcome) {
  const auto refused = leave_out_capable(guests);
  leave_out(refused, guests.size() < least, outcome);
}

void expect_not_left_alone(std::vector<Guest>& guests, std::size_t least, Outcome& outcome) {
  std::vector<Refusal> refused;
  for (const auto& guest : guests)
    if (guest.is_left_alone()) refused.push_back({.path = guest.path(), .reason = mounted_reason});
  std::erase_if(guests, [](const Guest& guest) { return guest.is_left_alone(); });
  leave_out(refused, guests.size() < least, outcome);
}

void pass_mounted_by(std::vector<Guest>& guests, Outcome& outcome) {
  for (const auto& guest : guests)
    if (guest.is_left_alone()) outcome.notes.push_back({guest.name, "", mounted_reason});
  std::erase_if(guests, [](const Guest& guest) { return guest.is_left_alone(); });
}

void expect_state_outside(const Options& options, const Choice& choice) {
  std::vector<std::string> paths;
  for (const auto& root : choice.roots) paths.push_back(root.path);
  obey(expect_outside(options.state_dir, paths));
}

void obey(const std::optional<Refusal>& refusal) {
  if (refusal) throw Failed(Exit::refused, printable(refusal->path) + ": " + refusal->reason);
}

Session::Session(const Options& options, const Choice& choice)
    : options_(options),
      open_files_(files_for_workers(choice.roots.size())),
      state_(lock_state(options, choice)),
      ledger_(state_ ? find_ledger(state_->path(), lmdb::Access::write) : std::optional<Ledger>()),
      stop_(options.max_time),
      run_{.stop = stop_,
           .counters = counters_,
           .dry_run = options.dry_run,
           .mtime = !options.ignore_mtime,
           .one_group = choice.one_group,
           .fresh = !options.sledgehammer,
           .jobs = options.jobs,
           .open_files = open_files_,
           .state_dir = state_ ? state_->path() : ""},
      lines_(options) {
  outcome_.failed = choice.failed;
  run_.jobs = static_cast<unsigned>(std::min<std::size_t>(run_.jobs, run_.open_files / files_a_worker));
}

void Session::open_index() {
  auto opened = Index::open(options_.state_dir, options_.dry_run ? lmdb::Access::read : lmdb::Access::write);
  const auto path = index_path(options_.state_dir);
  if (opened.refused) throw Failed(Exit::fatal, printable(path) + ": " + opened.note);
  index_ = std::move(opened.index);
  run_.index = index_.get();
  if (opened.note.empty()) return;
  if (index_ != nullptr || options_.dry_run)
    complain(printable(path) + ": " + opened.note);
  else
    outcome_.failed.push_back({"", path, opened.note});
}

void Session::look_into_staging(const std::vector<Guest>& guests) {
  for (const auto& directory : directories_of(guests))
    for (const auto& name : arrivals_left_in(directory))
      outcome_.notes.push_back({"", join_path(directory, name), arrival_left});
  if (!run_.dry_run) clear_leftovers(guests, run_.state_dir, recovery_);
}

void Session::tell_recovery() {
  outcome_.recovered_files = recovery_.names;
  std::vector<Failure> kept;
  for (const auto& one : recovery_.kept) kept.push_back({"", one.path, one.reason});
  outcome_.failed.insert(outcome_.failed.begin(), kept.begin(), kept.end());
}

void Session::break_off(const std::system_error& error) {
  complain(printable(error.what()));
  outcome_.failed.push_back({"", "", error.what()});
  outcome_.broken_off = true;
}

void Session::carry_out(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  outcome_.started = clock_now();
  outcome_.dry_run = options_.dry_run;
  try {
    const Progress progress(progress_mode(options_.progress), counters_);
    if (!options_.dry_run) recovery_ = recover(run_.state_dir);
    work();
    tell_ledger();
  } catch (const StagingInUse& error) {
    turn_away(options_, one_line(error.what()));
  } catch (const std::system_error& error) {
    break_off(error);
  }
  tell_recovery();
  outcome_.total_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  outcome_.complete = !stop_.requested() && !outcome_.disk_full && !outcome_.broken_off;
}

// Whose the keepers were, and whose last names were given back, nobody has counted.
void Session::tell_ledger() const {
  if (!ledger_) return;
  const bool is_given_back = outcome_.unmarked_files + outcome_.copied_files + outcome_.adopted_files != 0;
  std::set<std::uint32_t> xids;
  for (const auto& guest : outcome_.guests) {
    const bool may_share_more = outcome_.linked_files() != 0 && guest.shared_bytes != 0;
    if (guest.xid && (may_share_more || is_given_back)) xids.insert(*guest.xid);
  }
  ask_for_counts(*ledger_, xids);
}

// What was done is told, also where the report cannot be kept.
Exit Session::tell(bool keep) {
  try {
    if (keep && state_) state_->keep_report(report_json(outcome_, exit_of(outcome_, stop_.signal())));
  } catch (const std::system_error& error) {
    const auto reason = error.code().message() + ": only this report is lost, all else is as it is told here";
    outcome_.failed.push_back({"", state_->path() + "/report.json", reason});
  }
  const auto exit = exit_of(outcome_, stop_.signal());
  try {
    print(lines_.text());
    print(options_.json ? report_json(outcome_, exit) : report_text(outcome_, exit, options_.detail));
  } catch (const Failed& failed) {
    throw Failed(failed.exit, std::string(failed.what()) + ": only the report is lost, the work was done");
  }
  return exit;
}

}  // namespace vunify
