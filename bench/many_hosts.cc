// SPDX-License-Identifier: Apache-2.0
// Makes a fleet by pushing what its hosts would: guests of one of five systems, all with one of twenty roles, and files
// of their own, of sizes as files have them. The same numbers make the same fleet.
//
//   many_hosts CONNECTION FIRST HOSTS GUESTS DAYS [--copy]     hosts FIRST, FIRST + 1, ...; tells what they took
#include <fmt/core.h>

#include <chrono>
#include <random>
#include <string_view>

#include "account/usage.h"
#include "fleet/push.h"

namespace {

using namespace vunify;
using Contents = std::vector<HashedContent>;

constexpr std::uint64_t systems = 5, roles = 20;
constexpr std::uint64_t mib = 1 << 20;

Contents contents(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> sizes(9, 2);
  Contents made;
  for (std::size_t i = 0; i < count; ++i)
    made.push_back({random(), static_cast<std::uint64_t>(1 + std::min(sizes(random), 1e9))});
  return made;
}

void add(Contents& to, std::span<const HashedContent> more) { to.insert(to.end(), more.begin(), more.end()); }

// Of a whole system 16,000 contents, of a role 2,000: what is kept of them is made once.
struct Parts {
  explicit Parts(std::size_t size) {
    for (std::uint64_t i = 0; i < systems; ++i) system.emplace_back(contents(1 + i, 16'000), size);
    for (std::uint64_t i = 0; i < roles; ++i) role.emplace_back(contents(100 + i, 2'000), size);
  }
  std::vector<Sketch> system, role;
};

HostSketches sketches_of(std::uint64_t host, std::uint64_t guests, Day today) {
  static const Parts of_guests(Sketch::usual_size), of_hosts(HostSketches::all_size);
  HostSketches made;
  made.day = today;
  Contents all;
  double least = 0;
  for (std::uint64_t guest = 0; guest < guests; ++guest) {
    const auto system = host % systems, role = (host * 7 + guest) % roles;
    const auto own = contents(1'000 + host * 1'000 + guest, 200);
    auto held = own;
    add(held, of_guests.system[system].kept());
    add(held, of_guests.role[role].kept());
    const auto cut = std::max(of_guests.system[system].least(), of_guests.role[role].least());
    made.guests.push_back({fmt::format("guest{:06}", host * guests + guest), Sketch(held, Sketch::usual_size, cut)});
    add(all, own);
    if (guest < roles) add(all, of_hosts.role[role].kept());
    least = std::max({least, of_hosts.system[system].least(), of_hosts.role[role].least()});
  }
  add(all, of_hosts.system[host % systems].kept());
  made.all = Sketch(std::move(all), HostSketches::all_size, least);
  return made;
}

Sample sample_of(std::uint64_t host, std::uint64_t guests, Day day, std::uint64_t age) {
  Sample sample{{host, 1, 0}, "/vservers", {day * 86'400, 0}, guests * 2'048 * mib, 0, 0, 0, {}};
  sample.used = guests * (300 + age % 90 + host % 7) * mib;
  sample.available = sample.total - sample.used;
  for (std::uint64_t guest = 0; guest < guests; ++guest) {
    const auto own = (50 + age + guest) * mib;
    sample.holders.push_back({fmt::format("guest{:06}", host * guests + guest),
                              "",
                              1'000 + static_cast<std::uint32_t>(guest),
                              {900 * mib, own, own + 20 * mib, 16'500, 850 * mib}});
  }
  sample.holders.push_back({host_name, "", {}, {20 * mib, 20 * mib, 20 * mib, 210, 0}});
  return sample;
}

void push_host(Database& database, std::uint64_t host, std::uint64_t guests, std::uint64_t days, bool by_copy) {
  const auto today = day_of(clock_now());
  Push push(database, {fmt::format("host{:05}", host), fmt::format("machine {}", host), "key", ""}, by_copy);
  push.claim(false);
  for (std::uint64_t age = 0; age < days; ++age) {
    const auto sample = sample_of(host, guests, today - static_cast<Day>(days - 1 - age), age);
    if (push.wants_usage({sample}, today)) push.usage({sample});
  }
  if (push.wants_sketches(today)) push.sketches(sketches_of(host, guests, today));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return fmt::print(stderr, "usage: many_hosts CONNECTION FIRST HOSTS GUESTS DAYS [--copy]\n"), 2;
  const std::uint64_t first = std::stoull(argv[2]), hosts = std::stoull(argv[3]), guests = std::stoull(argv[4]),
                      days = std::stoull(argv[5]);
  Database database(argv[1]);
  sketches_of(0, 1, 0);  // what all have in common is made before the clock begins
  const auto begin = std::chrono::steady_clock::now();
  for (auto host = first; host < first + hosts; ++host)
    push_host(database, host, guests, days, argc > 6 && std::string_view(argv[6]) == "--copy");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  fmt::print("{} hosts x {} guests x {} days: {:.2f} s, {:.1f} ms a host\n", hosts, guests, days, took.count(),
             1'000 * took.count() / static_cast<double>(hosts));
}
