// SPDX-License-Identifier: Apache-2.0
#include "unify/plan.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

namespace vunify {
namespace {

// A keeper in the making.
struct Rank {
  LinkSet set;
  std::set<std::uint32_t> guests;
  std::uint64_t nlink = 0;
};

class Planner {
 public:
  Planner(const std::vector<Copy>& copies, const PlanRules& rules) : copies_(copies), rules_(rules) {}

  LinkPlan run() {
    for (const auto copy : in_order())
      if (!copies_[copy].complete || !join(copy)) open_rank(copy);
    return finish();
  }

 private:
  // Shared before private; refservers' first, then those with more names; then by guest, then as they came.
  std::vector<std::size_t> in_order() const {
    const auto key = [this](std::size_t i) {
      const auto& copy = copies_[i];
      return std::tuple(!copy.shared, copy.refserver, copy.shared ? -std::int64_t{copy.nlink} : 0, copy.guests.front());
    };
    std::vector<std::size_t> order(copies_.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, {}, key);
    return order;
  }

  bool fits(const Rank& rank, std::size_t copy) const {
    const auto& guests = copies_[copy].guests;
    return rank.nlink + guests.size() <= rules_.link_limit &&
           std::ranges::none_of(guests, [&](std::uint32_t guest) { return rank.guests.contains(guest); });
  }

  // A rank that one name of a guest did not fit into never takes one of that guest: it is not asked again.
  bool join(std::size_t copy) {
    const auto& guests = copies_[copy].guests;
    std::size_t first = 0;
    for (const auto guest : guests) first = std::max(first, first_open_[guest]);
    const auto rank = std::find_if(ranks_.begin() + static_cast<std::ptrdiff_t>(first), ranks_.end(),
                                   [&](const Rank& r) { return fits(r, copy); });
    if (guests.size() == 1) first_open_[guests[0]] = static_cast<std::size_t>(rank - ranks_.begin());
    if (rank == ranks_.end()) return false;
    rank->set.victims.push_back(copy);
    rank->guests.insert(guests.begin(), guests.end());
    rank->nlink += guests.size();
    return true;
  }

  bool is_refservers(std::size_t copy) const { return copies_[copy].refserver != no_refserver; }

  void open_rank(std::size_t copy) {
    const auto& guests = copies_[copy].guests;
    ranks_.push_back({{copy, {}}, {guests.begin(), guests.end()}, copies_[copy].nlink});
  }

  // Of private copies the oldest shall stay: it takes the keeper's place, and the keeper its.
  void prefer_oldest(LinkSet& set) const {
    if (!rules_.oldest || copies_[set.keeper].shared || is_refservers(set.keeper)) return;
    const auto age = [this](std::size_t copy) { return copies_[copy].mtime; };
    const auto oldest = std::ranges::min_element(set.victims, {}, age);
    if (age(*oldest) < age(set.keeper)) std::swap(set.keeper, *oldest);
  }

  LinkPlan finish() {
    LinkPlan plan;
    for (auto& rank : ranks_) {
      if (!rank.set.victims.empty()) {
        prefer_oldest(rank.set);
        plan.sets.push_back(std::move(rank.set));
      } else if (!copies_[rank.set.keeper].shared) {
        plan.alone.push_back(rank.set.keeper);
      }
    }
    return plan;
  }

  const std::vector<Copy>& copies_;
  const PlanRules& rules_;
  std::vector<Rank> ranks_;
  std::map<std::uint32_t, std::size_t> first_open_;  // by guest: no rank before it takes a name of that guest
};

}  // namespace

LinkPlan plan_links(const std::vector<Copy>& copies, const PlanRules& rules) { return Planner(copies, rules).run(); }

}  // namespace vunify
