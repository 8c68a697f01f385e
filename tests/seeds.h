// SPDX-License-Identifier: Apache-2.0
// Seeds of tests by chance. What a seed finds must not be lost: it is printed, and goes into the test's own list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace vunify::test {

// Those that failed once, then so many fresh ones, which are printed. VUNIFY_SEED=N in the environment: N alone.
std::vector<std::uint32_t> draw_seeds(std::size_t fresh, const std::vector<std::uint32_t>& failed_once = {});

// The numbers of so many cases: all of them, or each eighth, from one by chance, under a sanitizer, where a case takes
// ten times as long.
std::vector<std::size_t> draw(std::size_t cases);

}  // namespace vunify::test
