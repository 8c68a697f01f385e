// SPDX-License-Identifier: Apache-2.0
// A guest's writer does not wait for our disk: while a large file is proven on a slow device (every read takes 200 ms
// here), whoever opens it for writing has it within 20 ms.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <sstream>
#include <thread>

#include "sys/directory.h"
#include "sys/fd.h"
#include "sys/inode.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr off_t size = off_t{4} << 30;  // sparse: it is the reads that are slow

void make_large(const std::string& path) {
  const Fd file = open_host(path, O_WRONLY | O_CREAT, 0644);
  check(::ftruncate(file.get(), size), "ftruncate", path);
  const timespec times[2] = {{1577836800, 0}, {1577836800, 0}};
  check(::futimens(file.get(), times), "futimens", path);
}

Finished unify_slowly(const std::string& where) {
  return shell(
      "strace -f --seccomp-bpf -qq -o /dev/null -e trace=preadv,preadv2 "
      "-e inject=preadv,preadv2:delay_enter=200000 vunify --jobs 1 --state " +
      where + "/state --protect=immutable -q " + where + "/a " + where + "/b");
}

// The process that holds a lease on this inode; 0 for none.
int lease_holder(std::uint64_t ino) {
  const std::string path = "/proc/locks";
  std::istringstream lines(read_all(open_host(path, O_RDONLY).get(), path));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    std::string number, kind, state, access, inode;
    int pid = 0;
    in >> number >> kind >> state >> access >> pid >> inode;
    if (kind == "LEASE" && inode.ends_with(":" + std::to_string(ino))) return pid;
  }
  return 0;
}

int wait_for_lease(std::uint64_t ino) {
  for (int i = 0; i < 10000; ++i, std::this_thread::sleep_for(1ms))
    if (const int holder = lease_holder(ino)) return holder;
  throw std::runtime_error("no lease was taken");
}

bool is_idle_class(int process) {
  const auto tasks = "/proc/" + std::to_string(process) + "/task";
  return std::ranges::all_of(list_names(open_host(tasks, O_RDONLY | O_DIRECTORY).get()), [](const std::string& task) {
    return run({"ionice", "--pid", task}).out == "idle\n";
  });
}

class SlowProof : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "needs root";
    if (shell("strace -e inject=preadv2:delay_enter=1 true").status != 0) GTEST_SKIP() << "no strace here";
    for (const char* guest : {"a", "b"}) {
      dir_.make_directory(guest);
      make_large(dir_ / (std::string(guest) + "/large"));
    }
  }

  // Opens the file for writing in the middle of the proof. The first copy is the keeper's, the second the victim's.
  Clock::duration open_during_proof(const std::string& path) {
    const auto ino = dir_.inode(path).ino;
    auto run = std::async(std::launch::async, [&] { return unify_slowly(dir_.root()); });
    idle_ &= is_idle_class(wait_for_lease(ino));
    std::this_thread::sleep_for(50ms);
    const auto start = Clock::now();
    open_host(dir_ / path, O_WRONLY);
    const auto waited = Clock::now() - start;
    EXPECT_EQ(run.get().status, 0);
    return waited;
  }

  Scratch dir_;
  bool idle_ = true;
};

TEST_F(SlowProof, LetsWritersInWithin20Milliseconds) {
  std::vector<Clock::duration> waits;
  for (int i = 0; i < 10; ++i) waits.push_back(open_during_proof(i % 2 == 0 ? "a/large" : "b/large"));
  std::ranges::sort(waits);
  const auto ms = [](Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); };
  std::printf("waits: median %.3f ms, longest %.3f ms\n", ms(waits[5]), ms(waits[9]));
  EXPECT_LT(waits[5], 5ms);
  EXPECT_LT(waits[8], 20ms);   // one may be the scheduler's: two processors, and other tests
  EXPECT_LT(waits[9], 100ms);  // half of what one read takes
  EXPECT_TRUE(idle_) << "disk time is taken from others";
}

}  // namespace
}  // namespace vunify::test
