// SPDX-License-Identifier: Apache-2.0
#include "survey/hard_links.h"

#include <tbb/parallel_sort.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace vunify {
namespace {

using Names = std::span<const NameRef>;

// What is shared, and nothing speaks against, is as it should be: on most nights nearly all names.
bool is_in_question(const File& file, bool shares_data) {
  const bool is_its_owners_wish = file.immutable || file.verdict == Verdict::own_flags;
  if (!file.marked) return file.nlink > 1 && !is_its_owners_wish && !file.unasked;
  return file.verdict != Verdict::open || (shares_data && file.nlink > 1 && !file.immutable);
}

class Judge {
 public:
  Judge(Trees& trees, const HardLinkRules& rules) : trees_(trees), rules_(rules) {}

  HardLinks run() {
    const auto names = names_in_question();
    for (std::size_t i = 0; i < names.size();) {
      const auto start = i++;
      while (i < names.size() && is_one_inode(names[start], names[i])) ++i;
      const auto of_inode = Names(names).subspan(start, i - start);
      file(of_inode[0]).marked ? take_shared(of_inode) : take(of_inode);
    }
    return std::move(found_);
  }

 private:
  // A host may have millions, of a farm of snapshots or clones: the number is beside the name while they are sorted.
  struct Keyed {
    std::uint64_t ino;
    NameRef name;
  };

  File& file(NameRef name) const { return trees_[name.guest].file(name.file); }
  const FsId& fs(NameRef name) const { return trees_[name.guest].fs; }
  bool is_open(NameRef name) const { return file(name).verdict == Verdict::open; }
  bool is_one_inode(NameRef a, NameRef b) const { return file(a).ino == file(b).ino && fs(a) == fs(b); }
  bool are_apart(NameRef a, NameRef b) const {
    return !rules_.group.empty() && rules_.group[a.guest] != rules_.group[b.guest];
  }
  bool has_to_leave(NameRef name) const { return is_in_question(file(name), rules_.shares_data[name.guest]); }

  void add_names(std::vector<Keyed>& keyed, const auto& wanted) const {
    for (std::uint32_t guest = 0; guest < trees_.size(); ++guest) {
      if (rules_.place[guest] == no_place) continue;
      for (std::uint32_t i = 0; i < trees_[guest].files().size(); ++i)
        if (wanted(NameRef{guest, i})) keyed.push_back({file({guest, i}).ino, {guest, i}});
    }
  }

  // Of a shared inode those that may stay, too.
  std::vector<Keyed> keyed_names() const {
    std::vector<Keyed> keyed;
    add_names(keyed, [this](NameRef name) { return has_to_leave(name); });
    std::vector<std::uint64_t> shared;
    if (!rules_.group.empty()) {
      add_names(keyed,
                [this](NameRef name) { return file(name).marked && file(name).nlink > 1 && !has_to_leave(name); });
      return keyed;
    }
    for (const auto& one : keyed)
      if (file(one.name).marked) shared.push_back(one.ino);
    std::ranges::sort(shared);
    if (shared.empty()) return keyed;
    add_names(keyed, [&](NameRef name) {
      return file(name).marked && !has_to_leave(name) && std::ranges::binary_search(shared, file(name).ino);
    });
    return keyed;
  }

  // The names of an inode together, in the order of the guests.
  std::vector<NameRef> names_in_question() const {
    auto keyed = keyed_names();
    tbb::parallel_sort(keyed.begin(), keyed.end(), [this](const Keyed& a, const Keyed& b) {
      if (a.ino != b.ino) return a.ino < b.ino;
      return std::tie(fs(a.name), a.name.guest, a.name.file) < std::tie(fs(b.name), b.name.guest, b.name.file);
    });
    std::vector<NameRef> names;
    names.reserve(keyed.size());
    for (const auto& one : keyed) names.push_back(one.name);
    return names;
  }

  void judge_open(Names names, Verdict verdict) {
    for (const auto name : names)
      if (is_open(name)) file(name).verdict = verdict;
  }

  void add_leaving(Names names, bool together) {
    std::map<std::uint32_t, Leaving> by_place;
    for (const auto name : names) by_place[rules_.place[name.guest]].names.push_back(name);
    for (auto& [place, leaving] : by_place) found_.leaving.push_back({std::move(leaving.names), together});
  }

  bool may_keep(NameRef name) const { return rules_.parts_last.empty() || !rules_.parts_last[name.guest]; }

  // Names of a shared inode that must not be shared (any more). Where all must leave, one keeps the inode, if it may.
  void take_shared(Names names) {
    const auto nlink = file(names[0]).nlink;
    const auto has_to = [&](NameRef name) { return has_to_leave(name) || are_apart(names[0], name); };
    if (!std::ranges::any_of(names, has_to)) return;
    if (nlink == 1) return found_.last_names.push_back(names[0]);
    std::vector<NameRef> leaving;
    for (const auto name : names) (has_to(name) ? leaving : found_.staying).push_back(name);
    if (leaving.size() == nlink && may_keep(leaving.front())) {
      found_.staying.push_back(leaving.front());
      leaving.erase(leaving.begin());
    }
    add_leaving(leaving, false);
  }

  void take(Names names) {
    const bool found_all = file(names[0]).nlink == names.size();
    if (names.front().guest == names.back().guest)
      return judge_open(names, found_all ? Verdict::hard_linked : Verdict::outside_names);
    const bool clean = is_clean(names);
    if (clean && !found_all) return judge_open(names, Verdict::outside_names);
    if (!clean || !can_share(names)) part(names);
  }

  // One name in each guest, and nothing is said against any.
  bool is_clean(Names names) const {
    if (!std::ranges::all_of(names, [this](NameRef name) { return is_open(name); })) return false;
    return std::ranges::adjacent_find(names, {}, &NameRef::guest) == names.end();
  }

  bool can_share(Names names) const {
    const auto place = rules_.place[names[0].guest];
    return !rules_.shares_data[names[0].guest] &&
           std::ranges::all_of(names, [&](NameRef name) { return rules_.place[name.guest] == place; });
  }

  // The first guest keeps the inode.
  void part(Names names) {
    const auto first = names[0].guest;
    std::vector<NameRef> leaving;
    while (!names.empty()) {
      const auto end = std::ranges::find_if(names, [&](NameRef name) { return name.guest != names[0].guest; });
      const auto own = names.first(static_cast<std::size_t>(end - names.begin()));
      if (own.size() > 1) judge_open(own, Verdict::hard_linked);
      auto& to = own[0].guest == first ? found_.staying : leaving;
      to.insert(to.end(), own.begin(), own.end());
      names = names.subspan(own.size());
    }
    add_leaving(leaving, true);
  }

  Trees& trees_;
  const HardLinkRules& rules_;
  HardLinks found_;
};

}  // namespace

HardLinks judge_hard_links(Trees& trees, const HardLinkRules& rules) { return Judge(trees, rules).run(); }

}  // namespace vunify
