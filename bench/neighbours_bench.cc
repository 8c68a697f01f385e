// SPDX-License-Identifier: Apache-2.0
// Who has most in common with whom, of all guests of a host. The floor is the same by comparing all with all.
#include <benchmark/benchmark.h>

#include <random>

#include "account/sketch.h"

namespace vunify {
namespace {

constexpr std::size_t shared_contents = 12'000, own_contents = 4'000;

HashedContent made(std::mt19937_64& random) {
  std::lognormal_distribution<double> sizes(9, 2);
  return {random(), static_cast<std::uint64_t>(1 + sizes(random))};
}

std::vector<Sketch> made_guests(std::size_t count) {
  std::mt19937_64 random(1);
  std::vector<HashedContent> pool;
  for (std::size_t i = 0; i < 2 * shared_contents; ++i) pool.push_back(made(random));
  std::vector<Sketch> guests;
  for (std::size_t guest = 0; guest < count; ++guest) {
    std::vector<HashedContent> contents;
    for (std::size_t i = 0; i < shared_contents; ++i) contents.push_back(pool[random() % pool.size()]);
    for (std::size_t i = 0; i < own_contents; ++i) contents.push_back(made(random));
    guests.emplace_back(std::move(contents));
  }
  return guests;
}

void neighbours_of_all(benchmark::State& state) {
  const auto guests = made_guests(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    const Neighbours neighbours(guests);
    for (std::size_t guest = 0; guest < guests.size(); ++guest) benchmark::DoNotOptimize(neighbours.of(guest, 5));
  }
}
BENCHMARK(neighbours_of_all)->Arg(100)->Arg(1'000)->Unit(benchmark::kMillisecond);

void all_with_all(benchmark::State& state) {
  const auto guests = made_guests(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state)
    for (const auto& a : guests)
      for (const auto& b : guests) benchmark::DoNotOptimize(shared_bytes(a, b));
}
BENCHMARK(all_with_all)->Arg(100)->Arg(1'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vunify
