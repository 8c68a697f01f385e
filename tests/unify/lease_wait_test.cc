// SPDX-License-Identifier: Apache-2.0
// A guest's writer does not wait for our disk: while a large file is proven on a slow device (every read takes a second
// here), whoever opens it for writing has it within 20 ms.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <sstream>
#include <stdexcept>

#include "sys/directory.h"
#include "sys/fd.h"
#include "sys/inode.h"
#include "tests/eventually.h"
#include "tests/root_test.h"

namespace vunify::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr off_t size = off_t{4} << 30;  // sparse: it is the reads that are slow

void make_large(const std::string& path) {
  const Fd file = open_host(path, O_WRONLY | O_CREAT, 0644);
  check(::ftruncate(file.get(), size), "ftruncate", path);
  write_at(file.get(), 0, "x", path);  // of holes alone nothing is read
  const timespec times[2] = {{1577836800, 0}, {1577836800, 0}};
  check(::futimens(file.get(), times), "futimens", path);
}

Finished unify_slowly(const std::string& where) {
  return shell(
      "strace -f --seccomp-bpf -qq -o /dev/null -e trace=preadv,preadv2 "
      "-e inject=preadv,preadv2:delay_enter=1000000 vunify --jobs 1 --state " +
      where + "/state " + protect_by_flag() + " --insist -q " + where + "/a " + where + "/b");
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
  int holder = 0;
  if (eventually([&] { return (holder = lease_holder(ino)) != 0; })) return holder;
  throw std::runtime_error("no lease was taken");
}

std::vector<std::string> tasks_of(int process) {
  return list_names(open_host("/proc/" + std::to_string(process) + "/task", O_RDONLY | O_DIRECTORY).get());
}

bool is_idle_class(int process) {
  return std::ranges::all_of(tasks_of(process), [](const std::string& task) {
    return run({"ionice", "--pid", task}).out == "idle\n";
  });
}

// One of its threads is in a read, which strace makes a long one.
bool is_reading(int process) {
  return std::ranges::any_of(tasks_of(process), [](const std::string& task) {
    const auto path = "/proc/" + task + "/syscall";
    return read_all(open_host(path, O_RDONLY).get(), path).starts_with(std::to_string(SYS_preadv2) + " ");
  });
}

class SlowProof : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    if (IsSkipped()) return;
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
    const auto process = wait_for_lease(ino);
    idle_ &= is_idle_class(process);
    EXPECT_TRUE(eventually([&] { return is_reading(process); }));
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
  for (int i = 0; i < 6; ++i) waits.push_back(open_during_proof(i % 2 == 0 ? "a/large" : "b/large"));
  std::ranges::sort(waits);
  const auto ms = [](Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); };
  std::printf("waits: shortest %.3f ms, longest %.3f ms\n", ms(waits.front()), ms(waits.back()));
  EXPECT_LT(waits.front(), 20ms);  // the others may be the scheduler's, on a loaded machine
  EXPECT_LT(waits.back(), 500ms);  // half of what one read takes: none waited for the disk
  EXPECT_TRUE(idle_) << "disk time is taken from others";
}

}  // namespace
}  // namespace vunify::test
