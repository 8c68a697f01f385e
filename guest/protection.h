// SPDX-License-Identifier: Apache-2.0
// What may keep one guest from changing a shared inode for the others, by name. What holds where, change/protection.h
// finds out.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sys/inode_attr.h"

namespace vunify {

// The numbers are in the journal: never renumbered.
enum class Protection {
  none = 0,       // nothing holds here: the guest is left alone
  iunlink = 1,    // kernel-cow: writes break the link, names may be removed
  reflink = 2,    // data is shared, inodes are not: nothing to protect
  immutable = 3,  // chattr +i: writes are refused, and so is removing the name
  cow = 4,        // vcow: no native path leads to the guests, and it breaks the link before a write
  guard = 5,      // sys/guard.h: writes are refused, names may be removed
};

struct ProtectionRow {
  Protection protection;
  std::string_view name;
  std::uint32_t flags;      // that a protected inode carries
  bool must_lift = false;   // an inode has to be unprotected for the moment in which its names are added and exchanged
  bool may_remove = false;  // its names can be removed all the same
};

inline constexpr std::array<ProtectionRow, 6> protections = {{
    {Protection::none, "none", 0},
    {.protection = Protection::iunlink,
     .name = "iunlink",
     .flags = FS_IMMUTABLE_FL | FS_IUNLINK_FL,
     .may_remove = true},
    {Protection::reflink, "reflink", 0},
    {.protection = Protection::immutable, .name = "immutable", .flags = FS_IMMUTABLE_FL, .must_lift = true},
    {.protection = Protection::cow, .name = "cow", .flags = 0, .may_remove = true},
    {.protection = Protection::guard, .name = "guard", .flags = 0, .may_remove = true},
}};
static_assert([] {
  for (std::size_t i = 0; i < protections.size(); ++i)
    if (protections[i].protection != static_cast<Protection>(i)) return false;
  return true;
}());

constexpr const ProtectionRow& row_of(Protection protection) {
  return protections[static_cast<std::size_t>(protection)];
}
constexpr std::string_view name_of(Protection protection) { return row_of(protection).name; }
constexpr bool must_lift(Protection protection) { return row_of(protection).must_lift; }

// "auto" is nothing; throws std::invalid_argument for what is none of them.
std::optional<Protection> parse_protection(const std::string& word);

}  // namespace vunify
