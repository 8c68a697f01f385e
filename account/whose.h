// SPDX-License-Identifier: Apache-2.0
// Of whom an amount is: of a guest as a whole, or of a user or a group in it, by the number that stands on disk.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <vector>

#include "account/limit.h"

namespace vunify {

struct Whose {
  enum class Kind : std::uint8_t { guest, user, group };
  Kind kind = Kind::guest;
  std::uint32_t id = 0;
  bool is_guest() const { return kind == Kind::guest; }
  auto operator<=>(const Whose&) const = default;
};
inline Whose user(std::uint32_t uid) { return {Whose::Kind::user, uid}; }
inline Whose group(std::uint32_t gid) { return {Whose::Kind::group, gid}; }

// Of one inode.
struct Owners {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  bool operator==(const Owners&) const = default;
};

// What is used in a guest: the sum over its users, and that over its groups, is all of it.
struct Uses {
  Amount all;
  std::map<Whose, Amount> by;

  void add(const Owners& owners, const Amount& more);
};

// What a change may come to at the most, and what it came to: for the guest, for those whose it is.
struct Most {
  Amount all{};
  std::vector<std::pair<Whose, Amount>> by{};

  bool is_nothing() const;
  void add(const Most& more);
};
struct CameTo {
  Growth all{};
  std::vector<std::pair<Whose, Growth>> by{};

  // What one inode grew by; so many inodes more, or less.
  void add(const Owners& owners, const Growth& growth);
};

Most most_for(const Owners& owners, const Amount& most);

}  // namespace vunify
