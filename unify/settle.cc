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

// False where another came meanwhile, or somebody has it open.
bool release(const Survey& survey, NameRef name, const Run& run, Outcome& outcome) {
  if (run.dry_run) return true;
  try {
    const auto guest_name = survey.guest_name(name);
    const Fd fd = guest_name.root->open_regular(guest_name.path);
    return release_last_name(fd.get(), {survey.guest(name).fs, survey.file(name).ino}, {guest_name});
  } catch (const std::system_error& error) {
    outcome.failed.push_back(failure_at(survey, name, error.code().message()));
    return false;
  }
}

// One that its guest changes just now, or that got another name, is looked at again by the next run.
bool is_parted(const Survey& survey, const Parting& parting, const BreakResult& result, Outcome& outcome) {
  outcome.disk_full |= result.disk_full;
  if (!result.reason.empty() && !result.changed)
    outcome.failed.push_back(failure_at(survey, parting.names.front(), result.reason));
  return result.copied > 0;
}

}  // namespace

void separate_changed(Survey& survey, const Places& places, const Run& run, Outcome& outcome) {
  Partings partings;
  for (const auto index : find_changed_shared(survey, run)) {
    auto& inode = survey.inode(index);
    const auto names = survey.names_of(index);
    const bool stays = inode.complete && keeps_last_inode(survey.guest(names.front()).root);
    const auto leaving = stays ? names.subspan(1) : names;
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

std::vector<bool> give_back_last_names(const Survey& survey, const Places& places, std::span<const NameRef> names,
                                       const Run& run, Outcome& outcome) {
  std::vector<bool> given(names.size());
  Partings partings;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (keeps_last_inode(survey.guest(names[i]).root))
      given[i] = release(survey, names[i], run, outcome);
    else
      add_parting(survey, places, names.subspan(i, 1), false, partings);
  }
  for (const auto& [place, all] : partings) {
    const auto results = part(places.all()[place], all, run);
    for (std::size_t i = 0; i < all.size(); ++i)
      given[static_cast<std::size_t>(all[i].names.data() - names.data())] =
          is_parted(survey, all[i], results[i], outcome);
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    outcome.unmarked_files += given[i];
    if (given[i] && !run.dry_run && run.index != nullptr) run.index->forget(names[i].guest, survey.file(names[i]).ino);
  }
  return given;
}

void give_back_last_names(Survey& survey, const Places& places, const Run& run, Outcome& outcome) {
  std::vector<std::uint32_t> indices;
  std::vector<NameRef> names;
  for (const auto index : survey.candidates.last_names) {
    if (survey.inode(index).is_keeper || survey.inode(index).given_up) continue;
    indices.push_back(index);
    names.push_back(survey.names_of(index).front());
  }
  const auto given = give_back_last_names(survey, places, names, run, outcome);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (!given[i]) continue;
    survey.inode(indices[i]).shared = false;
    survey.judge(indices[i], Verdict::no_twin);
  }
}

}  // namespace vunify
