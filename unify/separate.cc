// SPDX-License-Identifier: Apache-2.0
#include "unify/separate.h"

#include "change/last_name.h"
#include "survey/hard_links.h"
#include "sys/guard.h"
#include "sys/mark.h"
#include "unify/parting.h"
#include "unify/settle.h"
#include "unify/tally.h"

namespace vunify {
namespace {

// What a name leads to now, for the walk's answer is old.
void look_again(Survey& survey, NameRef name, const GuardedInodes& guarded) {
  auto& file = survey.file(name);
  const auto before = file;
  const auto there = open_name(survey.guest(name).root, survey.path(name));
  const auto now = stat_name(there.dir.get(), there.leaf.c_str());
  if (!now || !now->is_regular()) return survey.judge(std::span(&name, 1), Verdict::vanished);
  file = File(*now);
  file.immutable |= guarded.contains(*now, there.dir.get(), there.leaf);
  file.verdict = before.verdict;
  file.unasked = before.unasked;
  if (file.nlink > 1 || file.immutable || survey.guest(name).is_adopted()) {
    const auto mark = mark_at(there.dir.get(), there.leaf, {survey.guest(name).fs, file.ino});
    file.stale_mark = mark == Mark::stale && file.immutable;
    file.marked = mark == Mark::valid || file.stale_mark;
  }
  if (file.stamp.size != before.stamp.size || file.stamp.mtime != before.stamp.mtime) file.verdict = Verdict::changed;
}

// Empty where all are of one group.
std::vector<std::uint32_t> group_numbers(const std::vector<Guest>& guests) {
  std::map<std::string, std::uint32_t> numbers;
  std::vector<std::uint32_t> group;
  for (const auto& guest : guests)
    group.push_back(numbers.try_emplace(guest.rules.group, static_cast<std::uint32_t>(numbers.size())).first->second);
  if (numbers.size() < 2) group.clear();
  return group;
}

class Separation {
 public:
  Separation(Survey& survey, const Places& places, const Run& run, Outcome& outcome)
      : survey_(survey), places_(places), run_(run), outcome_(outcome) {}

  void run(const HardLinks& links) {
    Partings partings;
    for (const auto& [names, together] : links.leaving) add_parting(survey_, places_, names, together, partings);
    for (const auto& [place, all] : partings) {
      const auto results = part(places_.all()[place], all, run_);
      for (std::size_t i = 0; i < all.size(); ++i) settle(all[i], results[i]);
    }
    for (const auto name : links.staying) {
      if (run_.dry_run && is_split(name)) outcome_.shared_bytes += survey_.file(name).bytes_on_disk();
      settle(name);
    }
  }

 private:
  bool shares_data(NameRef name) const { return places_.of(name.guest).sharing() == Sharing::data; }

  // What was one inode is to be one data.
  bool is_split(NameRef name) const { return survey_.file(name).verdict == Verdict::open && shares_data(name); }

  void settle(const Parting& parting, const BreakResult& result) {
    const auto first = parting.names.front();
    outcome_.disk_full |= result.disk_full;
    if (!is_split(first)) outcome_.count_copies(result.copied, shares_data(first) ? 0 : result.copies * parting.bytes);
    for (const auto name : parting.names) settle(name);
    if (result.copied == parting.names.size()) return;
    for (const auto name : parting.names)
      if (survey_.file(name).ino == parting.request.inode.ino) judge_left_behind(name, result);
    if (!result.reason.empty() && !result.changed) outcome_.failed.push_back(failure_at(survey_, first, result.reason));
  }

  void settle(NameRef name) {
    const bool split = is_split(name);
    if (run_.dry_run)
      foresee(name);
    else
      look_again(name);
    outcome_.adopted_files += split;
  }

  // What a run would find afterwards: no candidates are made of it.
  void foresee(NameRef name) {
    auto& file = survey_.file(name);
    if (file.verdict != Verdict::open) return;
    outcome_.shared_files += is_split(name);
    file.verdict = is_split(name) ? Verdict::shared : Verdict::changed;
  }

  void look_again(NameRef name) {
    try {
      vunify::look_again(survey_, name, guarded_);
    } catch (const std::system_error& error) {
      survey_.judge(std::span(&name, 1), Verdict::unreadable);
      outcome_.failed.push_back(failure_at(survey_, name, error.code().message()));
    }
  }

  // Whoever holds on to a protected inode is one of those who share it: the guest's other file must not come to it.
  void judge_left_behind(NameRef name, const BreakResult& result) {
    auto& file = survey_.file(name);
    const bool is_held = file.marked && file.stamp.size > 0 && (file.immutable || !shares_data(name));
    const bool untried = result.reason.empty() && !result.changed;
    file.verdict = is_held ? Verdict::open : untried ? Verdict::not_reached : Verdict::shared_unprotected;
  }

  Survey& survey_;
  const Places& places_;
  const Run& run_;
  Outcome& outcome_;
  GuardedInodes guarded_ = GuardedInodes::now();
};

}  // namespace

void separate_hard_links(Survey& survey, const Places& places, const Run& run, Outcome& outcome) {
  HardLinkRules rules{.place = places.where(), .shares_data = {}, .group = group_numbers(survey.guests)};
  for (std::uint32_t guest = 0; guest < survey.guests.size(); ++guest) {
    rules.shares_data.push_back(places.of(guest).sharing() == Sharing::data);
    rules.parts_last.push_back(!keeps_last_inode(survey.guests[guest].root));
  }
  const auto links = judge_hard_links(survey.trees, rules);
  Separation(survey, places, run, outcome).run(links);
  give_back_last_names(survey, places, links.last_names, run, outcome);
}

}  // namespace vunify
