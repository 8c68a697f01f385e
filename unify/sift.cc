// SPDX-License-Identifier: Apache-2.0
#include "unify/sift.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <map>

namespace vunify {
namespace {

using Class = std::vector<std::uint32_t>;

// Members by content and match; the unknown with the first that is known.
std::map<Known, Class> classes_of(std::span<const std::uint32_t> members, std::span<const Known> known) {
  std::map<Known, Class> classes;
  const auto first = std::ranges::find_if(known, &Known::is_known);
  const auto presumed = first == known.end() ? Known{} : *first;
  for (std::size_t i = 0; i < members.size(); ++i)
    classes[known[i].is_known() ? known[i] : presumed].push_back(members[i]);
  return classes;
}

void plan_class(const Survey& survey, const Class& members, const PlanRules& rules, Sifted& sifted) {
  std::vector<Copy> copies;
  for (const auto inode : members) copies.push_back(copy_of(survey, inode));
  const auto plan = plan_links(copies, rules);
  for (const auto alone : plan.alone) sifted.left.push_back({members[alone], Verdict::second_copy});
  for (const auto& set : plan.sets) {
    Class part{members[set.keeper]};
    for (const auto victim : set.victims) part.push_back(members[victim]);
    sifted.parts.push_back(std::move(part));
  }
}

}  // namespace

Copy copy_of(const Survey& survey, std::uint32_t inode) {
  const auto& candidate = survey.inode(inode);
  const auto& file = survey.file_of(inode);
  Copy copy{.shared = candidate.shared,
            .complete = candidate.complete,
            .nlink = file.nlink,
            .mtime = file.stamp.mtime.full()};
  for (const auto name : survey.names_of(inode)) {
    copy.guests.push_back(name.guest);
    copy.refserver = std::min(copy.refserver, survey.trees[name.guest].refserver);
  }
  // An unwalked keeper has names in other guests than tonight's: a number that none of these has.
  if (copy.guests.empty()) copy.guests.push_back(~inode);
  return copy;
}

bool must_learn(std::span<const Known> known) {
  const auto first = std::ranges::find_if(known, &Known::is_known);
  return std::any_of(first, known.end(), [&](const Known& other) { return other.is_known() && other != *first; }) &&
         !std::ranges::all_of(known, &Known::is_known);
}

Sifted sift(const Survey& survey, std::span<const std::uint32_t> members, std::span<const Known> known,
            const PlanRules& rules) {
  assert(members.size() == known.size());
  Sifted sifted;
  const auto classes = classes_of(members, known);
  for (auto one = classes.begin(); one != classes.end(); ++one) {
    const auto& inodes = one->second;
    if (inodes.size() > 1) {
      plan_class(survey, inodes, rules, sifted);
      continue;
    }
    // Equal contents of other metadata are its neighbours.
    const auto has_bytes = [&](auto other) { return other->first.digest == one->first.digest; };
    const auto next = std::next(one);
    const bool others_have =
        (one != classes.begin() && has_bytes(std::prev(one))) || (next != classes.end() && has_bytes(next));
    sifted.left.push_back({inodes[0], others_have ? Verdict::metadata_differs : Verdict::content_differs});
  }
  return sifted;
}

}  // namespace vunify
