// SPDX-License-Identifier: Apache-2.0
#include "unify/stale_marks.h"

#include <map>

#include "change/renew_mark.h"
#include "unify/tally.h"

namespace vunify {
namespace {

using Inodes = std::vector<std::uint32_t>;

// By place; taken out of what is to be adopted.
std::map<std::uint32_t, Inodes> take_stale(Survey& survey, const Places& places) {
  std::map<std::uint32_t, Inodes> stale;
  std::erase_if(survey.candidates.unprotected, [&](std::uint32_t inode) {
    const auto place = places.number_of(survey.guest_number(inode));
    if (!survey.file_of(inode).stale_mark || places.all()[place].sharing() != Sharing::inodes) return false;
    stale[place].push_back(inode);
    return true;
  });
  return stale;
}

std::vector<RenewReason> renew(const Survey& survey, const Place& place, const Inodes& inodes, const Run& run) {
  if (run.dry_run) return std::vector<RenewReason>(inodes.size());
  std::vector<RenewRequest> requests;
  for (const auto inode : inodes)
    requests.push_back({survey.guest_names(inode), survey.id_of(inode), place.protection});
  Journal journal(run.state_dir, "marks");
  return MarkRenewer(journal, place.staging->fd(), place.staging->path()).run(requests, [&] {
    return run.stop.requested();
  });
}

}  // namespace

std::uint64_t count_stale(const Trees& trees) {
  std::uint64_t names = 0;
  for (const auto& tree : trees)
    for (const auto& file : tree.files()) names += file.stale_mark && file.verdict == Verdict::open;
  return names;
}

void renew_stale_marks(Survey& survey, const Places& places, const Run& run, Outcome& outcome) {
  for (const auto& [place, inodes] : take_stale(survey, places)) {
    const auto reasons = renew(survey, places.all()[place], inodes, run);
    for (std::size_t i = 0; i < inodes.size(); ++i) {
      if (i >= reasons.size()) {
        survey.judge(inodes[i], Verdict::not_reached);
      } else if (!reasons[i].empty()) {
        survey.judge(inodes[i], Verdict::shared_unprotected);
        outcome.failed.push_back(failure_at(survey, survey.names_of(inodes[i]).front(), reasons[i]));
      }
    }
  }
}

}  // namespace vunify
