// SPDX-License-Identifier: Apache-2.0
#include "account/purse.h"

#include <algorithm>

#include "account/chunk.h"

namespace vunify {
namespace {

constexpr std::int64_t unlimited = std::int64_t{1} << 62;

bool covers_all(const Growth& left, const Amount& most) {
  return (most.space == 0 || number(most.space) <= left.space) &&
         (most.inodes == 0 || number(most.inodes) <= left.inodes);
}

}  // namespace

std::int64_t number(std::uint64_t amount) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(amount, unlimited));
}

Growth minus(const Amount& one, const Amount& other) {
  return {number(one.space) - number(other.space), number(one.inodes) - number(other.inodes)};
}

Growth Purse::unspent() const { return {number(granted.space) - spent.space, number(granted.inodes) - spent.inodes}; }

bool Purse::covers(const Amount& most) const {
  if (!is_limited) return true;
  auto here = unspent();
  here.space += std::min<std::int64_t>(unclaimed.space, 0);  // more was used than there was
  here.inodes += std::min<std::int64_t>(unclaimed.inodes, 0);
  return covers_all(here, most);
}

void Purse::spend(const Growth& growth) {
  spent.space += growth.space;
  spent.inodes += growth.inodes;
}

bool Purse::is_to_be_told() const {
  if (!is_limited) return false;
  const bool is_over = unspent().space < 0 || unspent().inodes < 0;
  return is_over || -spent.space > number(slack.space) || -spent.inodes > number(slack.inodes);
}

bool could_cover(const Purse& purse, const Amount& claimed_by_all, const Amount& granted_to_it, const Amount& most) {
  auto left = minus(purse.total, claimed_by_all);
  left.space += number(granted_to_it.space) - purse.spent.space;
  left.inodes += number(granted_to_it.inodes) - purse.spent.inodes;
  return covers_all(left, most);
}

void grant(Account& account, const Growth& left, std::int64_t daemons, const Amount& wanted, Pace pace) {
  const auto some = [&](std::int64_t half, std::uint64_t want, std::int64_t there) {
    return at_least_none(std::min((pace == Pace::active ? half : 0) + number(want), there));
  };
  const auto space = space_chunk(left.space, daemons) / 2, inodes = inode_chunk(left.inodes, daemons) / 2;
  account.granted = {some(space, wanted.space, left.space), some(inodes, wanted.inodes, left.inodes)};
  account.slack = pace == Pace::resting ? Amount{} : Amount{at_least_none(space), at_least_none(inodes)};
}

}  // namespace vunify
