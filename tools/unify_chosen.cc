// SPDX-License-Identifier: Apache-2.0
#include "tools/unify_chosen.h"

#include <algorithm>

#include "tools/note_guests.h"
#include "tools/text.h"
#include "unify/unify_guests.h"

namespace vunify {
namespace {

// What the first guest has a part in; what references alone have in common is none of its business.
Narrow groups_of(const std::vector<Guest>& guests) {
  return [&guests](Candidates& candidates) {
    const auto is_its_own = [&](NameRef name) { return !guests[name.guest].rules.is_reference(); };
    std::erase_if(candidates.groups, [&](const CandidateGroup& group) {
      const auto inodes = std::span(candidates.inodes).subspan(group.first, group.count);
      return std::ranges::none_of(
          inodes, [&](const Candidate& inode) { return std::ranges::any_of(candidates.names_of(inode), is_its_own); });
    });
  };
}

// Fewer are no guests of this run. With references the first is looked for by itself.
std::size_t least_of(const Options& options, const Choice& choice) {
  if (options.all) return 0;
  return options.wants_others() ? 1 : std::min<std::size_t>(choice.roots.size(), 2);
}

void expect_first(const Choice& choice, const std::vector<Guest>& guests, const Outcome& outcome) {
  const auto is_it = [](const Guest& guest) { return !guest.rules.is_reference(); };
  if (std::ranges::any_of(guests, is_it)) return;
  const auto reason = outcome.failed.empty() ? "is left out" : outcome.failed.back().reason;
  throw Failed(Exit::refused, printable(choice.roots.front().path) + ": " + one_line(reason));
}

}  // namespace

std::vector<Guest> open_chosen(const Choice& choice, std::size_t least, Session& session) {
  auto guests = open_roots(choice.roots, least, session.outcome());
  session.look_into_staging(guests);
  return guests;
}

void unify_chosen(const Options& options, const Choice& choice, Session& session) {
  const auto least = least_of(options, choice);
  auto guests = open_chosen(choice, least, session);
  if (options.all || options.wants_others()) pass_mounted_by(guests, session.outcome());
  if (guests.empty() && options.all) return;
  if (!options.insist) expect_incapable(guests, least, session.outcome());
  if (options.has_references()) expect_first(choice, guests, session.outcome());
  note_who_is_off(options, choice, guests, session.state());
  const UnifyRequest request{.min_size = options.min_size,
                             .narrow = options.has_references() ? groups_of(guests) : Narrow(),
                             .tell = session.tell_file()};
  obey(unify_guests(guests, request, session.run(), session.outcome()));
}

}  // namespace vunify
