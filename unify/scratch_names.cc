// SPDX-License-Identifier: Apache-2.0
#include "unify/scratch_names.h"

#include "change/scratch_name.h"
#include "sys/scratch_name.h"

namespace vunify {
namespace {

constexpr const char* was_left = "the kernel left it in a crash, beside what it was a copy of: removed";
constexpr const char* is_there = "the kernel left it in a crash, beside what it is a copy of: a run removes it";

void remove(const Guest& guest, const std::string& path, const Place& place, const Run& run, Outcome& outcome) {
  if (guest.is_mounted || (!place.staging && !run.dry_run)) return;
  const GuestName name{&guest.root, path};
  try {
    if (run.dry_run ? is_scratch_name(name) : remove_scratch_name(name, place.staging->fd()))
      outcome.notes.push_back({guest.name, path, run.dry_run ? is_there : was_left});
  } catch (const std::system_error& error) {
    if (!is_error(error, ENOENT)) outcome.failed.push_back({guest.name, path, error.code().message()});
  }
}

}  // namespace

void remove_scratch_names(const std::vector<Guest>& guests, const Places& places, const Trees& trees, const Run& run,
                          Outcome& outcome) {
  for (std::uint32_t guest = 0; guest < guests.size(); ++guest)
    for (std::uint32_t i = 0; i < trees[guest].files().size(); ++i) {
      if (trees[guest].file(i).verdict != Verdict::own_flags) continue;
      const auto path = trees[guest].path(i);
      if (is_scratch_leaf(split_path(path).leaf)) remove(guests[guest], path, places.of(guest), run, outcome);
    }
}

}  // namespace vunify
