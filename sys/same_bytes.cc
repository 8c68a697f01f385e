// SPDX-License-Identifier: Apache-2.0
#include "sys/same_bytes.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "sys/inode.h"
#include "sys/quiet_read.h"

namespace vunify {
namespace {

constexpr std::size_t chunk = 128 << 10;

}  // namespace

bool same_bytes(int one, int other) {
  if (stat_fd(one).stamp.size != stat_fd(other).stamp.size) return false;
  QuietReader ours(one), theirs(other);
  std::vector<char> a(chunk), b(chunk);
  for (std::uint64_t at = 0;; at += chunk) {
    at = std::max(at, std::min(next_data(one, at), next_data(other, at)));  // what is a hole in both is the same
    if (at == std::numeric_limits<std::uint64_t>::max()) return true;
    const auto got = ours.read_at(at, a);
    if (theirs.read_at(at, b) != got || !std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(got), b.begin()))
      return false;
    if (got < chunk) return true;
  }
}

}  // namespace vunify
