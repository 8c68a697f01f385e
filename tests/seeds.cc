// SPDX-License-Identifier: Apache-2.0
#include "tests/seeds.h"

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string_view>

namespace vunify::test {

std::vector<std::uint32_t> draw_seeds(std::size_t fresh, const std::vector<std::uint32_t>& failed_once) {
  if (const char* given = std::getenv("VUNIFY_SEED"))
    return {static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10))};
  auto seeds = failed_once;
  std::random_device chance;
  std::printf("fresh seeds (VUNIFY_SEED=N repeats one):");
  for (; fresh > 0; --fresh) {
    seeds.push_back(chance());
    std::printf(" %u", seeds.back());
  }
  std::printf("\n");
  return seeds;
}

std::vector<std::size_t> draw(std::size_t cases) {
  std::vector<std::size_t> drawn;
  constexpr std::size_t step = std::string_view(VUNIFY_SANITIZE).empty() ? 1 : 8;
  for (auto number = std::random_device()() % step; number < cases; number += step) drawn.push_back(number);
  return drawn;
}

}  // namespace vunify::test
