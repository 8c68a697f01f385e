// SPDX-License-Identifier: Apache-2.0
// What a daemon holds of one limit, of its guest's or of a user's in it: arithmetic alone.
#pragma once

#include "account/account.h"

namespace vunify {

struct Purse {
  bool is_limited = false;
  Amount total{no_limit, no_limit};
  Growth unclaimed{};  // of total, by anybody: less than nothing where the limit was lowered
  Growth spent{};      // since the ledger was told
  Amount granted{};    // by it
  Amount slack{};      // that may be given back before it is told

  Growth unspent() const;
  // Who wants nothing is refused nothing, also where more is used than there was.
  bool covers(const Amount& most) const;
  void spend(const Growth& growth);
  bool is_open() const { return granted != Amount{} || slack != Amount{}; }
  bool holds() const { return is_open() || spent != Growth{}; }
  bool is_to_be_told() const;  // more was spent than granted, or came back than may
};

// One that asks the ledger whether it could have `most`: what is left there, and what it holds itself.
bool could_cover(const Purse& purse, const Amount& claimed_by_all, const Amount& granted_to_it, const Amount& most);

// active: half a chunk of what is left beyond what is wanted, and as much slack. waiting: nothing beyond it, but may
// have to give back. resting: nothing, and owes nothing.
enum class Pace { active, waiting, resting };
// left: total - claimed, maybe less than nothing.
void grant(Account& account, const Growth& left, std::int64_t daemons, const Amount& wanted, Pace pace);

// Limits are compared with what may be less than nothing.
std::int64_t number(std::uint64_t amount);
Growth minus(const Amount& one, const Amount& other);
inline std::uint64_t at_least_none(std::int64_t number) { return number < 0 ? 0 : static_cast<std::uint64_t>(number); }

}  // namespace vunify
