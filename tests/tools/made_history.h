// SPDX-License-Identifier: Apache-2.0
// Days of a host whose future is known: 10 GiB of which 20 MiB more are used each day, a guest that grows by 10 MiB,
// and one that does not.
#pragma once

#include <string>
#include <vector>

#include "account/history.h"

namespace vunify::test {

inline constexpr std::uint64_t mib = 1 << 20;

inline HolderSample holder(const std::string& name, std::uint64_t exclusive) {
  Usage usage;
  usage.logical = 500 * mib;
  usage.exclusive = exclusive;
  usage.fair = usage.deunify_need = 200 * mib;
  return {name, "key of " + name, 42, usage};
}

// Until today. The first guest is "web", or has another name.
inline std::vector<Sample> history(int days, const FsId& fs = {1, 2, 0}, const std::string& web = "web") {
  const auto first = day_of(clock_now()) - days + 1;
  std::vector<Sample> samples;
  for (int i = 0; i < days; ++i) {
    const auto day = static_cast<std::uint64_t>(i), used = (2'000 + 20 * day) * mib;
    samples.push_back({fs, "/vm", {(first + i) * 86'400, 0}, 11'000 * mib, used, 10'000 * mib - used, 0, {}});
    samples.back().holders = {holder(web, (100 + 10 * day) * mib), holder("db", 100 * mib), holder("(host)", 0)};
  }
  return samples;
}

}  // namespace vunify::test
