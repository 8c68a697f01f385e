// SPDX-License-Identifier: Apache-2.0
// What a guest of util-vserver may use of a filesystem: /etc/vservers/NAME/dlimits/ANY/, which its commands set at the
// guest's start.
//
//     directory      any on that filesystem
//     space_total    KiB
//     inodes_total
//     reserved       percent of the space that is for the guest's root
//     disabled       where it is there the others say nothing
//
// Numbers as strtol(3) reads them: 0x10 is 16, 010 is 8; -1 is no limit. All four have to be there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vunify {

struct DiskLimit {
  std::string directory;
  std::optional<std::uint64_t> space_kib;  // none: no limit
  std::optional<std::uint64_t> inodes;
  unsigned reserved = 0;  // 0 to 100
};

// config: the guest's directory, as HostGuest has it. In the order of the names. Throws Misconfigured.
std::vector<DiskLimit> read_dlimits(const std::string& config);

// -1, or a number. Nothing where it is none, or greater than `most`.
struct LimitNumber {
  bool is_infinite = false;
  std::uint64_t number = 0;
};
std::optional<LimitNumber> parse_limit(std::string_view text, std::uint64_t most);

inline constexpr std::uint64_t most_kib = ~std::uint64_t{0} >> 12;  // so that it can be had in bytes

}  // namespace vunify
