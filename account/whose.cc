// SPDX-License-Identifier: Apache-2.0
#include "account/whose.h"

#include <algorithm>

namespace vunify {
namespace {

template <typename Sum, typename More>
void add_up(Sum& sum, const More& more) {
  sum.space += more.space;
  sum.inodes += more.inodes;
}

void add_up(std::vector<std::pair<Whose, Growth>>& all, Whose whose, const Growth& growth) {
  const auto is_his = [&](const auto& one) { return one.first == whose; };
  const auto found = std::ranges::find_if(all, is_his);
  if (found == all.end())
    all.emplace_back(whose, growth);
  else
    add_up(found->second, growth);
}

}  // namespace

void Uses::add(const Owners& owners, const Amount& more) {
  add_up(all, more);
  add_up(by[user(owners.uid)], more);
  add_up(by[group(owners.gid)], more);
}

bool Most::is_nothing() const {
  return all == Amount{} && std::ranges::all_of(by, [](const auto& one) { return one.second == Amount{}; });
}

void Most::add(const Most& more) {
  add_up(all, more.all);
  by.insert(by.end(), more.by.begin(), more.by.end());
}

void CameTo::add(const Owners& owners, const Growth& growth) {
  add_up(all, growth);
  add_up(by, user(owners.uid), growth);
  add_up(by, group(owners.gid), growth);
}

Most most_for(const Owners& owners, const Amount& most) {
  return {most, {{user(owners.uid), most}, {group(owners.gid), most}}};
}

}  // namespace vunify
