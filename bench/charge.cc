// SPDX-License-Identifier: Apache-2.0
// What a charge costs where many daemons share one limit: charge PROCESSES SECONDS [DIR]. Each charges 4 KiB at a time,
// from a chunk (account/holding.h); and, as the floor to compare with, in a transaction of its own each.
#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>

#include "account/holding.h"

namespace vunify {
namespace {

using Clock = std::chrono::steady_clock;

constexpr LimitKey guest{{1, 2, 0}, 42};
constexpr std::uint64_t block = 4096;
constexpr int most_processes = 1024;

struct Done {
  std::atomic<std::uint64_t> charges, worst_us;
};

Done* share_memory() {
  void* memory =
      ::mmap(nullptr, sizeof(Done) * most_processes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw_errno("mmap");
  return static_cast<Done*>(memory);
}

void charge_by_chunks(Holding& holding) {
  if (holding.take({{block, 0}, {}}, true) == Answer::given) holding.settle({{block, 0}, {}}, {{block, 0}, {}});
}

// The least that an exact ledger without chunks could do.
void charge_alone(const Ledger& ledger, const AccountKey& key) {
  auto change = ledger.change();
  auto account = change.account(key).value_or(Account{});
  account.used.space += block;
  change.put(key, account);
  change.commit();
}

void run(const std::string& dir, std::uint64_t ino, bool by_chunks, Clock::time_point end, Done& done) {
  const Ledger ledger(dir, lmdb::Access::write);
  const AccountKey key{guest, 0, ino, {}};
  Holding holding(ledger, key);
  for (auto now = Clock::now(); now < end;) {
    by_chunks ? charge_by_chunks(holding) : charge_alone(ledger, key);
    const auto then = std::exchange(now, Clock::now());
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(now - then).count();
    done.worst_us = std::max<std::uint64_t>(done.worst_us, static_cast<std::uint64_t>(took));
    ++done.charges;
  }
}

void measure(const std::string& dir, int processes, int seconds, bool by_chunks) {
  auto* all = share_memory();
  const auto end = Clock::now() + std::chrono::seconds(seconds);
  for (int i = 0; i < processes; ++i)
    if (::fork() == 0) {
      run(dir, static_cast<std::uint64_t>(i) + (by_chunks ? 1 : most_processes), by_chunks, end, all[i]);
      std::_Exit(0);
    }
  while (::wait(nullptr) > 0) continue;
  std::uint64_t charges = 0, worst = 0;
  for (int i = 0; i < processes; ++i)
    charges += all[i].charges, worst = std::max<std::uint64_t>(worst, all[i].worst_us);
  fmt::print("{:24} {:4} processes {:12.0f} charges/s, worst wait {:8.1f} ms\n",
             by_chunks ? "chunks" : "a transaction each", processes, static_cast<double>(charges) / seconds,
             static_cast<double>(worst) / 1000);
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) {
  using namespace vunify;
  const int processes = argc > 1 ? std::clamp(std::atoi(argv[1]), 1, most_processes) : 64;
  const int seconds = argc > 2 ? std::atoi(argv[2]) : 2;
  auto dir = std::string(argc > 3 ? argv[3] : "/var/tmp") + "/vunify-charge-XXXXXX";
  if (::mkdtemp(dir.data()) == nullptr) throw_errno("mkdtemp", dir);
  {
    const Ledger ledger(dir, lmdb::Access::write);
    auto change = ledger.change();
    change.put(guest, Limit{{std::uint64_t{1} << 50, no_limit}, 0, Count::exclusive, 1});
    change.commit();
  }
  for (const bool by_chunks : {true, false}) measure(dir, processes, seconds, by_chunks);
  std::filesystem::remove_all(dir);
}
