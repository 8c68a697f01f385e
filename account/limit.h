// SPDX-License-Identifier: Apache-2.0
// What a guest may use of one filesystem: VServer's disk limit, by filesystem and xid. No directory has one.
//
//     exclusive   an inode that vunify shares counts for nobody until it is written to: then its copy does, whole
//     logical     every inode counts whole: what others have too makes no difference to the guest
#pragma once

#include <cstdint>

#include "sys/inode.h"

namespace vunify {

struct Amount {
  std::uint64_t space = 0;  // bytes, as allocated on disk
  std::uint64_t inodes = 0;
  bool operator==(const Amount&) const = default;
};

// By how much something came to be more, or less.
struct Growth {
  std::int64_t space = 0;
  std::int64_t inodes = 0;
  bool operator==(const Growth&) const = default;
};

enum class Count : std::uint8_t { exclusive, logical };

inline constexpr std::uint64_t no_limit = ~std::uint64_t{0};
inline constexpr unsigned whole_percent = 100;

struct Limit {
  Amount total{no_limit, no_limit};
  std::uint8_t reserved = 0;  // percent of total.space that only the guest's root may take
  Count count = Count::exclusive;
  std::uint64_t counts_asked = 1;  // each account is to be counted so many times: it says how often it was
  std::uint64_t recalls = 0;       // so often daemons were asked to give back what they hold
  bool operator==(const Limit&) const = default;
};

struct LimitKey {
  FsId fs;  // of btrfs all subvolumes are one
  std::uint32_t xid = 0;
};

}  // namespace vunify
