// SPDX-License-Identifier: Apache-2.0
#include "tools/why.h"

#include <fmt/format.h>

#include <algorithm>

#include "guest/state_dir.h"
#include "survey/scan.h"
#include "sys/clone.h"
#include "tools/own_name.h"
#include "tools/text.h"
#include "unify/layouts.h"
#include "unify/place.h"
#include "unify/unify_guests.h"

namespace vunify {
namespace {

std::vector<GuestRoot> all_roots(const Options& options, const Choice& choice) {
  auto roots = choice.roots;
  if (roots.size() > 1) return roots;
  const auto report = last_report(options.state_dir);
  if (!report)
    throw Failed(Exit::usage,
                 "no report of an earlier run in " + printable(options.state_dir) + ": name the other guests too");
  for (auto& path : guest_roots(*report)) roots.push_back({.path = std::move(path), .rules = roots[0].rules});
  return roots;
}

// All guests, and which of them is asked for.
struct Opened {
  std::vector<Guest> guests;
  std::uint32_t asked = 0;
};

Opened open_all(const Options& options, const Choice& choice) {
  auto opened = open_guests({choice.roots.front()});
  if (opened.guests.empty()) {
    const auto& refused = opened.refused[0];
    throw Failed(refused.unknown ? Exit::refused : Exit::usage, printable(refused.path) + ": " + refused.reason);
  }
  const auto asked = opened.guests[0].path();
  auto roots = all_roots(options, choice);
  roots[0].path = asked;
  const auto is_again = [&](const GuestRoot& root) { return root.path == asked; };
  roots.erase(std::remove_if(roots.begin() + 1, roots.end(), is_again), roots.end());
  Opened all{open_guests(std::move(roots)).guests};
  const auto is_asked = [&](const Guest& guest) { return guest.path() == asked; };
  all.asked = static_cast<std::uint32_t>(std::ranges::find_if(all.guests, is_asked) - all.guests.begin());
  if (all.asked == all.guests.size()) throw Failed(Exit::usage, printable(asked) + ": no guest beside the others");
  return all;
}

std::optional<std::uint32_t> find_file(const Tree& tree, const std::string& path) {
  for (std::uint32_t i = 0; i < tree.files().size(); ++i)
    if (tree.path(i) == path) return i;
  return std::nullopt;
}

// Only the group that holds the file has to be proven.
void keep_group_of(Candidates& candidates, NameRef asked) {
  const auto holds = [&](const CandidateGroup& group) {
    for (auto i = group.first; i < group.first + group.count; ++i)
      for (const auto name : candidates.names_of(candidates.inodes[i]))
        if (name.guest == asked.guest && name.file == asked.file) return true;
    return false;
  };
  std::erase_if(candidates.groups, [&](const CandidateGroup& group) { return !holds(group); });
}

std::string tell_rule(const std::string& path, const ExcludeRule& rule) {
  return fmt::format("{}: left alone: excluded by {}, line {}: {}\n", printable(path), printable(rule.source),
                     rule.line, printable(rule.pattern));
}

std::string tell_names(const std::vector<Guest>& guests, const Trees& trees, std::uint64_t ino, NameRef asked) {
  std::string lines;
  for (std::uint32_t guest = 0; guest < guests.size(); ++guest)
    for (std::uint32_t i = 0; i < trees[guest].files().size(); ++i) {
      if (trees[guest].file(i).ino != ino || guests[guest].fs != guests[asked.guest].fs) continue;
      if (guest == asked.guest && i == asked.file) continue;
      lines += fmt::format("  {}: /{}\n", printable(guests[guest].name), printable(trees[guest].path(i)));
    }
  return lines;
}

// Where a file lies on disk; nothing where it has no place of its own, or cannot be looked at.
std::optional<std::uint64_t> layout_of(const Survey& survey, const DigestKey& key, NameRef name) {
  try {
    const Fd fd = survey.guest(name).root.open_regular(survey.path(name));
    const auto extents = extents_of(fd.get());
    if (extents.empty() || std::ranges::any_of(extents, &Extent::in_metadata)) return std::nullopt;
    return layout_hash(key, extents, survey.file(name).stamp.size);
  } catch (const std::system_error&) {
    return std::nullopt;
  }
}

// Names whose data lies where that of the file asked for lies.
std::string tell_same_data(const Survey& survey, NameRef asked) {
  const DigestKey key;
  const auto layout = layout_of(survey, key, asked);
  std::string lines;
  for (std::uint32_t guest = 0; layout && guest < survey.guests.size(); ++guest)
    for (std::uint32_t i = 0; i < survey.trees[guest].files().size(); ++i) {
      const NameRef name{guest, i};
      const bool is_like = survey.file(name).stamp.size == survey.file(asked).stamp.size &&
                           survey.file(name).verdict == Verdict::shared && !(guest == asked.guest && i == asked.file);
      if (is_like && layout_of(survey, key, name) == layout)
        lines += fmt::format("  {}: /{}\n", printable(survey.guest(name).name), printable(survey.path(name)));
    }
  return lines;
}

std::string tell_verdict(const Survey& survey, const Places& places, NameRef asked) {
  const auto path = printable(survey.path(asked));
  const auto verdict = survey.file(asked).verdict;
  if (verdict != Verdict::shared)
    return fmt::format("{}: left alone: {}: {}\n", path, name_of(verdict), explain(verdict));
  const bool data = places.of(asked.guest).sharing() == Sharing::data;
  const auto others = data ? tell_same_data(survey, asked) : "";
  if (!others.empty()) return fmt::format("{}: data shared with\n{}", path, others);
  return fmt::format("{}: not shared yet: the next run can share it\n", path);
}

// Where nothing would protect the guest, the question is still answered for the file: as if immutable had been named,
// or an adopted guest were not mounted. Returns what stands against it.
std::string protect_in_thought(Places& places) {
  std::string besides;
  for (auto& place : places.all()) {
    if (place.protection != Protection::none) continue;
    place.protection = place.is_adopted ? Protection::cow : Protection::immutable;
    besides = place.is_adopted ? place.reason : "without --protect=immutable: " + place.reason;
  }
  return besides;
}

std::string tell_sharers(const Survey& survey, NameRef asked, const std::string& path) {
  const auto inode = survey.file(asked).ino;
  return fmt::format("{}: shared, keeper inode {}, with\n{}", printable(path), inode,
                     tell_names(survey.guests, survey.trees, inode, asked));
}

// What the next run would make of it.
std::string foretell(const Survey& survey, const Places& places, const Run& run, NameRef asked) {
  Outcome outcome;
  unify_files(survey.guests, places, survey.trees, run, outcome,
              [asked](Candidates& candidates) { keep_group_of(candidates, asked); });
  return tell_verdict(survey, places, asked);
}

}  // namespace

Exit tell_why(const Options& options, const Choice& choice) {
  const auto path = own_name(open_tree(choice.roots.front(), read_mounts()), options.why_path);
  if (const auto* rule = excluding_rule(*choice.roots.front().rules.exclude, path)) {
    print(tell_rule(path, *rule));
    return Exit::done;
  }
  const auto [guests, number] = open_all(options, choice);
  Places places(guests, true);
  const auto besides = protect_in_thought(places);
  const Stop stop(options.max_time);
  Counters counters;
  auto scan = scan_guests(guests, {.min_size = options.min_size}, stop, counters);
  const auto file = find_file(scan.trees[number], path);
  if (!file) throw Failed(Exit::usage, printable(path) + ": no regular file of this guest");
  const NameRef asked{number, *file};
  const Survey survey{guests, scan.trees, {}};
  if (survey.file(asked).marked) {
    print(tell_sharers(survey, asked, path));
    return Exit::done;
  }
  const Run run{.stop = stop, .counters = counters, .dry_run = true, .mtime = !options.ignore_mtime};
  print(foretell(survey, places, run, asked));
  if (!besides.empty()) print(fmt::format("but {}\n", besides));
  return Exit::done;
}

}  // namespace vunify
