// SPDX-License-Identifier: Apache-2.0
// What the running kernel takes for a file that nobody shares, nanoseconds a call, the best of some rounds: stat, open
// for reading and for writing (each with its close), and a write of one byte. Then, where it has kernel-cow, what the
// first open for writing of a file with two names takes, microseconds, the median: it breaks the link.
//
//   kernel_cost DIR      DIR: empty
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "sys/fd.h"
#include "sys/inode_attr.h"

namespace {

using namespace vunify;
using Clock = std::chrono::steady_clock;

constexpr int rounds = 15, calls = 2000, breaks = 200;
constexpr std::size_t sizes[] = {0, 4 << 10, 64 << 10, 1 << 20};

template <typename Call>
double nanoseconds(const Call& call) {
  double best = 1e9;
  for (int round = 0; round < rounds; ++round) {
    const auto start = Clock::now();
    for (int i = 0; i < calls; ++i) call();
    best = std::min(best, std::chrono::duration<double, std::nano>(Clock::now() - start).count() / calls);
  }
  return best;
}

void make(const std::string& path, std::size_t size) {
  const Fd file = open_host(path, O_WRONLY | O_CREAT, 0644);
  write_all(file.get(), std::string(size, 'x'), path);
}

bool share(const std::string& path, const std::string& other) {
  check(::link(path.c_str(), other.c_str()), "link", other);
  try {
    change_inode_flags(open_host(path, O_RDONLY).get(), FS_IMMUTABLE_FL | FS_IUNLINK_FL, 0);
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

double break_one(const std::string& path) {
  const auto start = Clock::now();
  const Fd file = open_host(path, O_WRONLY);
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

// The names that keep the flag can be removed all the same.
void measure_breaks(const std::string& dir, std::size_t size) {
  std::vector<double> each;
  for (int i = 0; i < breaks; ++i) {
    const auto path = fmt::format("{}/{}-{}", dir, size, i), other = path + "-other";
    make(path, size);
    if (!share(path, other)) return;
    each.push_back(break_one(path));
    check(::unlink(path.c_str()), "unlink", path);
    check(::unlink(other.c_str()), "unlink", other);
  }
  std::ranges::nth_element(each, each.begin() + breaks / 2);
  fmt::print("break-{} {:.0f}\n", size, each[breaks / 2]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return fmt::print(stderr, "usage: kernel_cost DIR\n"), 2;
  const std::string dir = argv[1], path = dir + "/file";
  make(path, 4096);
  struct stat st {};
  fmt::print("stat {:.0f}\n", nanoseconds([&] { check(::stat(path.c_str(), &st), "stat"); }));
  fmt::print("open-read {:.0f}\n", nanoseconds([&] { open_host(path, O_RDONLY); }));
  fmt::print("open-write {:.0f}\n", nanoseconds([&] { open_host(path, O_WRONLY); }));
  const Fd file = open_host(path, O_WRONLY);
  fmt::print("write {:.0f}\n",
             nanoseconds([&] { check(static_cast<int>(::pwrite(file.get(), "x", 1, 0)), "pwrite"); }));
  for (const auto size : sizes) measure_breaks(dir, size);
}
