// SPDX-License-Identifier: Apache-2.0
// What one victim costs: ours (link into staging, exchange, remove) against the floor, link and rename over the victim,
// which cannot be undone once it is done.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "sys/fd.h"
#include "sys/link.h"

namespace vunify {
namespace {

// A keeper, a guest's directory with one victim in it, and staging. The victim is made anew outside the measured time.
struct Bench {
  std::string root = make_root();
  Fd guest = open_host(root + "/guest", O_RDONLY | O_DIRECTORY);
  Fd staging = open_host(root + "/staging", O_RDONLY | O_DIRECTORY);
  Fd keeper = open_host(root + "/keeper", O_RDWR | O_CREAT);
  StagedName staged{staging.get(), "1"};
  Name victim{open_host(root + "/guest", O_RDONLY | O_DIRECTORY), "victim"};

  ~Bench() { std::filesystem::remove_all(root); }

  static std::string make_root() {
    std::string path = "/var/tmp/vunify-bench-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) throw_errno("mkdtemp", path);
    for (const auto* leaf : {"/guest", "/staging"}) check(::mkdir((path + leaf).c_str(), 0700), "mkdir", leaf);
    return path;
  }

  void make_victim() {
    ::unlinkat(guest.get(), "victim", 0);
    write_all(Fd(check(::openat(guest.get(), "victim", O_WRONLY | O_CREAT, 0600), "openat")).get(), "bytes", "victim");
  }
};

template <typename Link>
void each_victim(benchmark::State& state, const Link& link) {
  Bench bench;
  for (auto _ : state) {
    state.PauseTiming();
    bench.make_victim();
    state.ResumeTiming();
    link(bench);
  }
  state.SetItemsProcessed(state.iterations());
}

void exchange_victim(benchmark::State& state) {
  each_victim(state, [](Bench& bench) {
    prepare_link(bench.keeper.get(), bench.staged);
    exchange(bench.staged, bench.victim);
    remove_staged(bench.staged);
  });
}
BENCHMARK(exchange_victim);

void rename_over_victim(benchmark::State& state) {
  each_victim(state, [](Bench& bench) {
    prepare_link(bench.keeper.get(), bench.staged);
    check(::renameat(bench.staging.get(), "1", bench.guest.get(), "victim"), "renameat");
  });
}
BENCHMARK(rename_over_victim);

}  // namespace
}  // namespace vunify
