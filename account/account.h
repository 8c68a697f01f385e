// SPDX-License-Identifier: Apache-2.0
// What one root of a guest uses, as the ledger has it. A guest may have several on a filesystem, each shown by a vcow
// of its own; they share the guest's limit.
//
// A daemon is granted a little in advance and spends that without the ledger; and what its guest gives back it keeps
// for as long. So what is used in truth lies between `used - slack` and `used + granted`. One that was killed leaves
// it at that: what it was granted counts as spent until the root is counted again. Of each user and group in the guest
// the root has an account likewise; who has no limit is granted nothing, and told of with the next that has.
#pragma once

#include <cstdint>
#include <string>

#include "account/whose.h"

namespace vunify {

struct AccountKey {
  LimitKey of;
  std::uint64_t subvolume = 0;
  std::uint64_t ino = 0;  // of the root
  Whose whose{};
};
AccountKey account_of(int root, std::uint32_t xid);
// What was told with `vdlimit --set space_used=N`: holds until a root of the guest is counted.
AccountKey told_account(const LimitKey& key);

struct Account {
  Amount used{};
  Amount granted{};
  Amount slack{};
  std::uint64_t counts = 0;      // as Limit::counts_asked; 0: never counted
  std::int64_t counted = 0;      // when, in seconds since 1970
  std::int64_t drift = 0;        // bytes by which the last count was off from what was believed
  std::uint64_t underflows = 0;  // times that more was given back than was ever taken

  bool is_settled() const { return granted == Amount{} && slack == Amount{}; }
  bool is_nothing() const { return used == Amount{} && is_settled(); }
  // Everything that the others may not have.
  Amount claimed() const { return {used.space + granted.space, used.inodes + granted.inodes}; }
  bool operator==(const Account&) const = default;
};

// Adds what is spent; what would be less than nothing is nothing, and told in underflows.
void add(Account& account, const Growth& spent);

// As records of the ledger; a body that is too short reads as zeros.
std::string to_bytes(const LimitKey& key);
// Those of a guest, of its root, begin with the limit's; those of a user with his limit's (user_limit_bytes).
std::string to_bytes(const AccountKey& key);
std::string user_limit_bytes(const LimitKey& key, Whose whose);
std::string to_bytes(const Amount& amount);
std::string to_bytes(const Limit& limit);
std::string to_bytes(const Account& account);
LimitKey limit_key_from(std::string_view bytes);
AccountKey account_key_from(std::string_view bytes);       // of a guest
AccountKey user_account_key_from(std::string_view bytes);  // of a user
Whose whose_from(std::string_view user_limit_bytes);
Amount amount_from(std::string_view bytes);
Limit limit_from(std::string_view bytes);
Account account_from(std::string_view bytes);

}  // namespace vunify
