// SPDX-License-Identifier: Apache-2.0
#include "tools/unify_chosen.h"

#include <algorithm>

#include "tools/live_guests.h"
#include "tools/note_guests.h"
#include "tools/text.h"
#include "unify/unify_guests.h"

namespace vunify {
namespace {

// What those that are to be unified have a part in; what references alone have in common is none of their business.
Narrow groups_of(const std::vector<Guest>& guests) {
  return [&guests](Candidates& candidates) {
    const auto is_its_own = [&](NameRef name) { return !guests[name.guest].rules.is_reference; };
    std::erase_if(candidates.groups, [&](const CandidateGroup& group) {
      const auto inodes = std::span(candidates.inodes).subspan(group.first, group.count);
      return std::ranges::none_of(
          inodes, [&](const Candidate& inode) { return std::ranges::any_of(candidates.names_of(inode), is_its_own); });
    });
  };
}

bool is_reference(const GuestRoot& root) { return root.rules.is_reference; }

// Fewer are no guests of this run. References that a configuration names can be missing.
std::size_t least_of(const Options& options, const Choice& choice) {
  if (options.all) return 0;
  const auto references = options.manually ? 0 : std::ranges::count_if(choice.roots, is_reference);
  return std::min<std::size_t>(choice.roots.size() - static_cast<std::size_t>(references), 2);
}

// Of those that are not references, where there are any.
void expect_unified(const Choice& choice, const std::vector<Guest>& guests, const Outcome& outcome) {
  const auto is_it = [](const Guest& guest) { return !guest.rules.is_reference; };
  if (std::ranges::any_of(guests, is_it) || std::ranges::none_of(choice.roots, is_reference)) return;
  const auto reason = outcome.failed.empty() ? "is left out" : outcome.failed.back().reason;
  throw Failed(Exit::refused, printable(choice.roots.front().path) + ": " + one_line(reason));
}

// Of these no file that is tagged is unified.
void note_other_tags(const std::vector<Guest>& guests, Outcome& outcome) {
  for (const auto& guest : guests)
    if (guest.root_tag != guest.tag())
      outcome.notes.push_back({guest.name, "",
                               "its root carries project id " + std::to_string(guest.root_tag) +
                                   ", and its number is " + std::to_string(*guest.xid) + ": see chxid -c"});
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
  if (!options.sledgehammer) find_live(guests);
  if (options.all || options.wants_others()) pass_mounted_by(guests, session.outcome());
  if (guests.empty() && options.all) return;
  if (!options.insist) expect_incapable(guests, least, session.outcome());
  expect_unified(choice, guests, session.outcome());
  note_other_tags(guests, session.outcome());
  note_who_is_off(options, choice, guests, session.state());
  const bool has_references = std::ranges::any_of(choice.roots, is_reference);
  const UnifyRequest request{.min_size = options.min_size,
                             .narrow = has_references ? groups_of(guests) : Narrow(),
                             .tell = session.tell_file()};
  obey(unify_guests(guests, request, session.run(), session.outcome()));
  tell_silent(guests, session.outcome());
}

}  // namespace vunify
