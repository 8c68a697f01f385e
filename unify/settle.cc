// SPDX-License-Identifier: Apache-2.0
#include "unify/settle.h"

#include "sys/mark.h"
#include "sys/wait_together.h"
#include "unify/changed_shared.h"
#include "unify/parting.h"
#include "unify/tally.h"

namespace vunify {
namespace {

// Every name that was found still leads to this one inode, and it has no others, or it is marked already.
bool is_as_found(const Survey& survey, std::uint32_t index, const Inode& now) {
  const auto& inode = survey.inode(index);
  return survey.file_of(index).is_still(now, false) && (inode.shared || now.nlink == survey.names_of(index).size());
}

// By whichever of its names leads to it still: no guest decides for the others. Throws what the last name met.
Fd open_inode(const Survey& survey, std::uint32_t index, OnLease on_lease) {
  std::optional<std::system_error> met;
  for (const auto& [root, path] : survey.guest_names(index)) {
    try {
      if (auto fd = root->open_inode(path, survey.file_of(index).ino, on_lease)) return std::move(*fd);
    } catch (const std::system_error& error) {
      met = error;
    }
  }
  if (met) throw *met;
  return {};
}

// Marks and protects under a lease: false where somebody writes to it, or changed it since the scan.
bool protect_shared(const Survey& survey, std::uint32_t index, Protection protection) {
  const bool marked = survey.inode(index).shared;
  const Fd fd = open_inode(survey, index, OnLease::fail);
  if (!fd) return false;
  auto lease = Lease::take(fd.get());
  if (!lease || !lease->pin() || !is_as_found(survey, index, stat_fd(fd.get()))) return false;
  if (!marked) set_mark(fd.get(), survey.id_of(index));
  protect(fd.get(), protection);
  if (lease->is_unwritten()) return true;
  unprotect(fd.get());
  if (!marked) clear_mark(fd.get());
  return false;
}

Verdict verdict_on(Survey& survey, std::uint32_t index, const Place& place, const Run& run) {
  if (run.stop.requested()) return Verdict::not_reached;
  if (!run.dry_run && !protect_shared(survey, index, place.protection)) return Verdict::shared_unprotected;
  survey.inode(index).shared = true;
  return Verdict::open;
}

// False where a guest's lease is in the way.
bool adopt(Survey& survey, std::uint32_t index, const Place& place, const Run& run, Outcome& outcome) {
  const auto names = survey.names_of(index);
  try {
    const auto verdict = verdict_on(survey, index, place, run);
    if (verdict == Verdict::open) outcome.adopted_files += names.size();
    survey.judge(names, verdict);
    return true;
  } catch (const std::system_error& error) {
    survey.judge(names, Verdict::shared_unprotected);
    if (is_error(error, EWOULDBLOCK)) return false;
    outcome.failed.push_back(failure_at(survey, names.front(), error.code().message()));
    return true;
  }
}

// As long as we have an inode open, no guest can lease it again.
void adopt_leased(Survey& survey, const std::vector<std::uint32_t>& leased, const Places& places, const Run& run,
                  Outcome& outcome) {
  std::vector<Fd> open(leased.size());
  wait_together(leased.size(), [&](std::size_t i) {
    try {
      open[i] = open_inode(survey, leased[i], OnLease::wait);
    } catch (const std::system_error&) {
      return;  // adopt() meets it again
    }
  });
  for (const auto index : leased)
    if (!adopt(survey, index, places.of(survey.guest_number(index)), run, outcome))
      outcome.failed.push_back(failure_at(survey, survey.names_of(index).front(), "is leased by a guest"));
}

void count(Survey& survey, const Parting& parting, const BreakResult& result, Outcome& outcome) {
  outcome.count_copies(result.copied, result.copies * parting.bytes);
  outcome.disk_full |= result.disk_full;
  // A file that a guest changes just now is no failure: the next run looks at it again.
  if (result.changed) return survey.judge(parting.names, Verdict::shared_unprotected);
  if (!result.reason.empty()) outcome.failed.push_back(failure_at(survey, parting.names.front(), result.reason));
}

void part(Survey& survey, const Places& places, const Partings& partings, const Run& run, Outcome& outcome) {
  for (const auto& [place, all] : partings) {
    const auto results = part(places.all()[place], all, run);
    for (std::size_t i = 0; i < all.size(); ++i) count(survey, all[i], results[i], outcome);
  }
}

// Gives a last name back to its guest; false where another came meanwhile.
bool release(const Survey& survey, NameRef name, const Run& run) {
  if (run.dry_run) return true;
  const auto guest_name = survey.guest_name(name);
  const auto ino = survey.file(name).ino;
  const Fd fd = guest_name.root->open_regular(guest_name.path);
  if (!release_last_name(fd.get(), {survey.guest(name).fs, ino})) return false;
  if (run.index != nullptr) run.index->forget(name.guest, ino);
  return true;
}

}  // namespace

void adopt_unprotected(Survey& survey, const Places& places, const Run& run, Outcome& outcome) {
  std::vector<std::uint32_t> leased;
  for (const auto index : survey.candidates.unprotected)
    if (!adopt(survey, index, places.of(survey.guest_number(index)), run, outcome)) leased.push_back(index);
  adopt_leased(survey, leased, places, run, outcome);
}

void separate_changed(Survey& survey, const Places& places, const Run& run, Outcome& outcome) {
  Partings partings;
  for (const auto index : find_changed_shared(survey, run)) {
    auto& inode = survey.inode(index);
    const auto names = survey.names_of(index);
    const auto leaving = inode.complete ? names.subspan(1) : names;
    if (!leaving.empty()) add_parting(survey, places, leaving, false, partings);
    for (const auto name : names)
      outcome.failed.push_back(failure_at(survey, name, "is not what was shared any more: kept as it is, as its own"));
    if (run.learns()) run.index->forget(names.front().guest, survey.file_of(index).ino);
    survey.judge(names, Verdict::changed);
    inode.shared = false;
    std::erase(survey.candidates.unprotected, index);
  }
  part(survey, places, partings, run, outcome);
}

void separate_doubles(Survey& survey, const Places& places, const Run& run, Outcome& outcome) {
  Partings partings;
  for (std::uint32_t index = 0; index < survey.candidates.inodes.size(); ++index) {
    if (!survey.inode(index).shared || survey.inode(index).complete) continue;
    const auto names = survey.names_of(index);
    for (std::size_t i = 1; i < names.size(); ++i) {
      if (names[i].guest != names[i - 1].guest) continue;
      add_parting(survey, places, names.subspan(i, 1), false, partings);
      survey.judge(names.subspan(i, 1), Verdict::changed);
    }
  }
  part(survey, places, partings, run, outcome);
}

bool unmark_last_name(const Survey& survey, NameRef name, const Run& run, Outcome& outcome) {
  try {
    if (!release(survey, name, run)) return false;
    ++outcome.unmarked_files;
    return true;
  } catch (const std::system_error& error) {
    outcome.failed.push_back(failure_at(survey, name, error.code().message()));
    return false;
  }
}

void unmark_last_names(Survey& survey, const Run& run, Outcome& outcome) {
  for (const auto index : survey.candidates.last_names) {
    const auto& inode = survey.inode(index);
    if (inode.is_keeper || inode.given_up) continue;
    if (!unmark_last_name(survey, survey.names_of(index).front(), run, outcome)) continue;
    survey.inode(index).shared = false;
    survey.judge(index, Verdict::no_twin);
  }
}

}  // namespace vunify
