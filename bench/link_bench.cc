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
#include <vector>

#include "sys/fd.h"
#include "sys/link.h"

namespace vunify {
namespace {

constexpr int many = 500;  // victims between two moments at which the clock stands

// A keeper, a guest's directory with its victims, and staging. The victims are made anew outside the measured time.
struct Bench {
  std::string root = make_root();
  Fd staging = open_host(root + "/staging", O_RDONLY | O_DIRECTORY);
  Fd keeper = open_host(root + "/keeper", O_RDWR | O_CREAT);
  StagedName staged{staging.get(), "1"};
  std::vector<Name> victims = name_victims();

  ~Bench() { std::filesystem::remove_all(root); }

  static std::string make_root() {
    std::string path = "/var/tmp/vunify-bench-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) throw_errno("mkdtemp", path);
    for (const auto* leaf : {"/guest", "/staging"}) check(::mkdir((path + leaf).c_str(), 0700), "mkdir", leaf);
    return path;
  }

  std::vector<Name> name_victims() const {
    std::vector<Name> names;
    for (int i = 0; i < many; ++i)
      names.push_back({open_host(root + "/guest", O_RDONLY | O_DIRECTORY), "victim" + std::to_string(i)});
    return names;
  }

  void make_victims() const {
    for (const auto& [dir, leaf] : victims) {
      ::unlinkat(dir.get(), leaf.c_str(), 0);
      write_all(Fd(check(::openat(dir.get(), leaf.c_str(), O_WRONLY | O_CREAT, 0600), "openat")).get(), "bytes", leaf);
    }
  }
};

template <typename Link>
void each_victim(benchmark::State& state, const Link& link) {
  Bench bench;
  while (state.KeepRunningBatch(many)) {
    state.PauseTiming();
    bench.make_victims();
    state.ResumeTiming();
    for (const auto& victim : bench.victims) link(bench, victim);
  }
  state.SetItemsProcessed(state.iterations());
}

void exchange_victim(benchmark::State& state) {
  each_victim(state, [](const Bench& bench, const Name& victim) {
    prepare_link(bench.keeper.get(), bench.staged);
    exchange(bench.staged, victim);
    remove_staged(bench.staged);
  });
}
BENCHMARK(exchange_victim);

void rename_over_victim(benchmark::State& state) {
  each_victim(state, [](const Bench& bench, const Name& victim) {
    const auto& [dir, leaf] = bench.staged;
    prepare_link(bench.keeper.get(), bench.staged);
    check(::renameat(dir, leaf.c_str(), victim.dir.get(), victim.leaf.c_str()), "renameat");
  });
}
BENCHMARK(rename_over_victim);

}  // namespace
}  // namespace vunify
