// SPDX-License-Identifier: Apache-2.0
#include "survey/candidates.h"

#include <tbb/parallel_sort.h>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <numeric>
#include <set>
#include <tuple>

#include "survey/name_order.h"

namespace vunify {
namespace {

constexpr std::size_t many_sets = 64;  // of guests in one group: beyond, comparing them all costs more than a proof

using Guests = std::vector<std::uint32_t>;

// Both in ascending order.
bool are_disjoint(const Guests& a, const Guests& b) {
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (*i == *j) return false;
    *i < *j ? ++i : ++j;
  }
  return true;
}

class Grouping {
 public:
  Grouping(Trees& trees, const std::vector<std::uint32_t>& place, const GroupRules& rules)
      : trees_(trees), order_(trees, place, rules), rules_(rules) {}

  Candidates run();

 private:
  File& file(NameRef name) const { return trees_[name.guest].file(name.file); }

  void collect_groups() {
    const auto& names = found_.names;
    found_.inodes.reserve(names.size());  // what is not touched takes no memory
    for (std::uint32_t i = 0; i < names.size();) {
      const auto start = i++;
      const auto key = order_.group_key(names[start]);
      while (i < names.size() && order_.group_key(names[i]) == key) ++i;
      const auto first = static_cast<std::uint32_t>(found_.inodes.size());
      const auto outside = add_inodes(start, i);
      if (found_.inodes.size() > first)
        add_group(first, static_cast<std::uint32_t>(found_.inodes.size()) - first, outside);
    }
  }

  // Of the names of one group. Returns those guests that have a file of it with names outside.
  Guests add_inodes(std::uint32_t from, std::uint32_t to) {
    const auto& names = found_.names;
    Guests outside;
    while (from < to) {
      const auto start = from++;
      while (from < to && order_.inode_key(names[start]) == order_.inode_key(names[from])) ++from;
      if (file(names[start]).verdict == Verdict::open)
        add_inode(start, from - start);
      else
        for (auto i = start; i < from; ++i) add_outside(names[i], outside);
    }
    return outside;
  }

  // One that was linked while we walked is open by the name that was seen before.
  void add_outside(NameRef name, Guests& outside) {
    outside.push_back(name.guest);
    if (auto& verdict = file(name).verdict; verdict == Verdict::open) verdict = Verdict::changed;
  }

  bool in_different_guests(std::uint32_t first, std::uint32_t count) const {
    for (auto i = first + 1; i < first + count; ++i)
      if (found_.names[i].guest == found_.names[i - 1].guest) return false;
    return true;
  }

  bool are_asked(std::uint32_t first, std::uint32_t count) const {
    const auto names = std::span(found_.names).subspan(first, count);
    return std::ranges::none_of(names, [this](NameRef name) { return file(name).unasked; });
  }

  void add_inode(std::uint32_t first, std::uint32_t count) {
    const auto& f = file(found_.names[first]);
    // Seen by more names than it has: its guest moved it while we walked.
    if (!f.marked && f.nlink < count)
      return judge(trees_, std::span(found_.names).subspan(first, count), Verdict::changed);
    const bool complete = f.nlink == count && in_different_guests(first, count) && are_asked(first, count);
    const auto index = static_cast<std::uint32_t>(found_.inodes.size());
    found_.inodes.push_back({first, count, f.marked, complete});
    if (f.marked && f.nlink == 1) found_.last_names.push_back(index);
    const bool is_protected = f.immutable || trees_[found_.names[first].guest].is_adopted;
    if (f.nlink > 1 && !(f.marked && is_protected && !f.stale_mark)) found_.unprotected.push_back(index);
  }

  Guests guests_of(const Candidate& inode) const {
    Guests guests;
    for (const auto name : found_.names_of(inode)) guests.push_back(name.guest);
    return guests;
  }

  // Two inodes can be linked only where no guest has names of both: a group in which every two have a guest in common
  // (all are shared by all guests, say) need not be opened. Data can be shared whoever has it.
  bool is_movable(std::span<const Candidate> inodes) const {
    if (inodes.size() < 2 || !rules_.metadata) return inodes.size() > 1;
    std::set<Guests> sets{guests_of(inodes[0])};
    for (const auto& inode : inodes.subspan(1)) {
      auto guests = guests_of(inode);
      if (are_disjoint(*sets.begin(), guests)) return true;
      if (sets.insert(std::move(guests)).second && sets.size() > many_sets) return true;
    }
    for (auto a = sets.begin(); a != sets.end(); ++a)
      for (auto b = std::next(a); b != sets.end(); ++b)
        if (are_disjoint(*a, *b)) return true;
    return false;
  }

  // A guest of this run may have one beneath an excluded directory: it must not be given a second.
  bool has_excluded_name(const FsId& fs, std::uint64_t ino) const {
    return std::ranges::any_of(trees_, [&](const Tree& tree) {
      return tree.fs == fs && std::ranges::binary_search(tree.excluded_inodes, ino);
    });
  }

  // How many: they are the last of found_.unwalked.
  std::uint32_t add_unwalked(std::span<const Candidate> inodes) {
    const auto is_private = [](const Candidate& inode) { return !inode.shared && inode.complete; };
    if (!rules_.find_unwalked || !rules_.metadata || std::ranges::none_of(inodes, is_private)) return 0;
    const auto name = found_.names[inodes[0].first_name];
    auto keepers = rules_.find_unwalked(name.guest, trees_[name.guest].fs, file(name));
    std::erase_if(keepers, [&](const UnwalkedKeeper& keeper) {
      return has_excluded_name(trees_[name.guest].fs, keeper.file.ino) ||
             std::ranges::any_of(inodes, [&](const Candidate& inode) {
               return file(found_.names[inode.first_name]).ino == keeper.file.ino;
             });
    });
    std::ranges::move(keepers, std::back_inserter(found_.unwalked));
    return static_cast<std::uint32_t>(keepers.size());
  }

  // outside: the guests that have a file like these with names outside.
  void add_group(std::uint32_t first, std::uint32_t count, const Guests& outside) {
    const auto inodes = std::span(found_.inodes).subspan(first, count);
    const auto unwalked = add_unwalked(inodes);
    if (unwalked > 0 || is_movable(inodes)) {
      const auto bytes = file(found_.names[inodes[0].first_name]).bytes_on_disk();
      const auto first_unwalked = static_cast<std::uint32_t>(found_.unwalked.size()) - unwalked;
      found_.groups.push_back({.first = first,
                               .count = count,
                               .saving = bytes * (unwalked > 0 ? count : count - 1),
                               .first_unwalked = first_unwalked,
                               .unwalked_count = unwalked});
      return;
    }
    const bool all_apart = std::ranges::all_of(inodes, [](const Candidate& inode) { return inode.name_count == 1; });
    for (const auto& inode : inodes)
      if (!inode.shared && inode.name_count == 1)
        judge(trees_, found_.names_of(inode), all_apart ? verdict_of_lone(inode, outside) : Verdict::second_copy);
  }

  Verdict verdict_of_lone(const Candidate& inode, const Guests& outside) const {
    const auto own = found_.names[inode.first_name].guest;
    const bool others_have = std::ranges::any_of(outside, [own](std::uint32_t guest) { return guest != own; });
    return others_have ? Verdict::outside_names : Verdict::no_twin;
  }

  Trees& trees_;
  const NameOrder order_;
  const GroupRules& rules_;
  Candidates found_;
};

Candidates Grouping::run() {
  found_.names = order_.sorted_names();
  collect_groups();
  tbb::parallel_sort(found_.groups.begin(), found_.groups.end(), [](const CandidateGroup& a, const CandidateGroup& b) {
    return a.saving != b.saving ? a.saving > b.saving : a.first < b.first;
  });
  found_.inodes.resize(found_.inodes.size() + found_.unwalked.size(), {0, 0, true, false});
  return std::move(found_);
}

}  // namespace

Candidates find_candidates(Trees& trees, const std::vector<std::uint32_t>& place, const GroupRules& rules) {
  assert(place.size() == trees.size());
  return Grouping(trees, place, rules).run();
}

std::vector<std::uint32_t> Candidates::members(const CandidateGroup& group) const {
  std::vector<std::uint32_t> all(group.count + group.unwalked_count);
  const auto named = static_cast<std::uint32_t>(inodes.size() - unwalked.size());
  std::iota(all.begin(), all.begin() + group.count, group.first);
  std::iota(all.begin() + group.count, all.end(), named + group.first_unwalked);
  return all;
}

void judge(Trees& trees, std::span<const NameRef> names, Verdict verdict) {
  for (const auto name : names) trees[name.guest].file(name.file).verdict = verdict;
}

}  // namespace vunify
