// SPDX-License-Identifier: Apache-2.0
// The attributes that setattr and showattr speak of, by util-vserver's names, numbers and letters, and which of them
// this system has: a bit is present where the inode has it or could have it, and set where it has it now.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "tools/tree.h"

namespace vunify {

// Linux-VServer's IATTR_* bits.
inline constexpr std::uint32_t attr_admin = 0x1, attr_watch = 0x2, attr_hide = 0x4, attr_write = 0x8,
                               attr_barrier = 0x10000, attr_iunlink = 0x20000, attr_immutable = 0x40000,
                               attr_cow = 0x80000, attr_xid = 0x1000000;

struct AttrName {
  std::string_view word;  // of setattr --word
  std::uint32_t bits;
  char letter;  // of its column in showattr, in this order; 0 for a word without one of its own
};

inline constexpr std::array<AttrName, 12> attr_names = {{
    {"admin", attr_admin, 'a'},
    {"watch", attr_watch, 'w'},
    {"hide", attr_hide, 'h'},
    {"write", attr_write, 'm'},
    {"barrier", attr_barrier, 'b'},
    {"ixunlink", attr_iunlink, 'u'},
    {"immutable", attr_immutable, 'i'},
    {"cow", attr_cow, 'c'},
    {"xid", attr_xid, 'x'},
    {"iunlink", attr_iunlink | attr_immutable, 0},
    {"immu", attr_iunlink | attr_immutable, 0},
    {"iunlink-but-not-immutable", attr_iunlink, 0},
}};

struct Attrs {
  std::uint32_t set = 0;
  std::uint32_t present = 0;
};

// What the inode carries. cow is read, not kept: a write breaks the link (iunlink and immutable, on a kernel that knows
// that), or would be felt by others (vunify's mark, protected).
Attrs read_attrs(const Found& found);

// Nine letters, "------IC-": upper case set, lower case present and clear, "-" not present.
std::string attr_letters(const Attrs& attrs);

}  // namespace vunify
