// SPDX-License-Identifier: Apache-2.0
#include "unify/settle.h"

#include "change/last_name.h"
#include "sys/mark.h"
#include "unify/changed_shared.h"
#include "unify/parting.h"
#include "unify/tally.h"

namespace vunify {
namespace {

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

bool is_flagged(const Survey& survey, std::uint32_t index, const Places& places) {
  const auto& inode = survey.inode(index);
  if (!inode.shared || inode.name_count == 0 || !survey.file_of(index).immutable) return false;
  return places.of(survey.guest_number(index)).protection == Protection::cow;
}

// Nobody but these guests has it, and none of them runs.
void take_flag_off(Survey& survey, std::uint32_t index, const Run& run) {
  const auto name = survey.guest_names(index).front();
  const auto found = survey.file_of(index);
  if (!run.dry_run) {
    const auto fd = name.root->open_inode(name.path, found.ino);
    if (!fd || !has_mark(fd->get()) || stat_fd(fd->get()).nlink != found.nlink) return;
    unprotect(fd->get());
  }
  if (run.learns()) run.index->forget(survey.guest_number(index), found.ino);  // it is kept otherwise
  for (const auto one : survey.names_of(index)) survey.file(one).immutable = false;
}

// Gives a last name back to its guest; false where another came meanwhile.
bool release(const Survey& survey, NameRef name, const Run& run) {
  if (run.dry_run) return true;
  const auto guest_name = survey.guest_name(name);
  const auto ino = survey.file(name).ino;
  const Fd fd = guest_name.root->open_regular(guest_name.path);
  if (!release_last_name(fd.get(), {survey.guest(name).fs, ino}, {guest_name})) return false;
  if (run.index != nullptr) run.index->forget(name.guest, ino);
  return true;
}

}  // namespace

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

void take_flags_off(Survey& survey, const Places& places, const Run& run, Outcome& outcome) {
  Partings partings;
  for (std::uint32_t index = 0; index < survey.candidates.inodes.size(); ++index) {
    if (!is_flagged(survey, index, places) || run.stop.requested()) continue;
    const auto names = survey.names_of(index);
    if (survey.file_of(index).nlink == names.size()) {
      try {
        take_flag_off(survey, index, run);
      } catch (const std::system_error& error) {
        outcome.failed.push_back(failure_at(survey, names.front(), error.code().message()));
      }
      continue;
    }
    add_parting(survey, places, names, false, partings);
    survey.judge(names, Verdict::changed);
    survey.inode(index).shared = false;
    std::erase(survey.candidates.unprotected, index);
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
