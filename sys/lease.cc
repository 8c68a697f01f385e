// SPDX-License-Identifier: Apache-2.0
#include "sys/lease.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <set>
#include <sstream>
#include <thread>

#include "sys/fd.h"
#include "sys/file_locks.h"
#include "sys/inode.h"
#include "sys/mount.h"
#include "sys/process.h"

namespace vunify {
namespace {

enum State : unsigned char { none, watched, pinned, dropping };

// One per process, made at the first lease. The table is indexed by descriptor, so that watching a lease costs one
// store and no lock. The kernel's signal goes to this thread alone, which waits for it; no other is interrupted.
class Watcher {
 public:
  static Watcher& get() {
    static auto* watcher = new Watcher;  // its thread never ends
    return *watcher;
  }

  std::atomic<State>& state(int fd) {
    int seen = highest_.load(std::memory_order_relaxed);
    while (seen < fd && !highest_.compare_exchange_weak(seen, fd)) continue;
    return states_[static_cast<std::size_t>(fd)];
  }

  // Before the lease is taken: then F_SETLEASE leaves the owner as it is.
  void own(int fd) const {
    const f_owner_ex owner{F_OWNER_TID, thread_};
    check(::fcntl(fd, F_SETOWN_EX, &owner), "F_SETOWN_EX");
  }

  void wake() const { ::tgkill(::getpid(), thread_, SIGIO); }

 private:
  Watcher() : states_(open_files_limit()) {
    struct sigaction ignored {};
    ignored.sa_handler = SIG_IGN;  // by default it kills
    check(::sigaction(SIGIO, &ignored, nullptr), "sigaction");
    std::thread([this] { watch(); }).detach();
    thread_.wait(0);
  }

  static std::size_t open_files_limit() {
    rlimit limit{};
    check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
    return std::min<std::size_t>(limit.rlim_max, std::size_t{1} << 24);
  }

  // Blocked, the signal stays pending until it is waited for, though the process ignores it.
  [[noreturn]] void watch() {
    sigset_t sigio;
    sigemptyset(&sigio);
    sigaddset(&sigio, SIGIO);
    ::pthread_sigmask(SIG_BLOCK, &sigio, nullptr);
    thread_ = ::gettid();
    thread_.notify_one();
    for (;;) {
      while (::sigwaitinfo(&sigio, nullptr) < 0) continue;
      for (int fd = 0; fd <= highest_.load(); ++fd) drop_if_broken(fd);
    }
  }

  void drop_if_broken(int fd) {
    auto& state = states_[static_cast<std::size_t>(fd)];
    auto expected = watched;
    if (state.load(std::memory_order_relaxed) != watched || ::fcntl(fd, F_GETLEASE) == F_RDLCK) return;
    if (!state.compare_exchange_strong(expected, dropping)) return;
    ::fcntl(fd, F_SETLEASE, F_UNLCK);
    state = none;
  }

  std::vector<std::atomic<State>> states_;
  std::atomic<int> highest_{0};
  std::atomic<pid_t> thread_{0};
};

constexpr auto patience = std::chrono::seconds(2);
constexpr std::string_view lease_wait = "__break_lease";  // where the kernel has those sleep who wait for a lease
constexpr std::size_t most_table_bytes = 256 << 10;       // of the locks: 5,000 lines, which take the kernel 3 ms

// inode_is_open_for_write() of the kernel (fs/locks.c, check_conflicting_open): counted before fanotify is asked, and
// before the lease is met. The lease that is there stays as it is.
bool is_counted_as_written(int fd) { return ::fcntl(fd, F_SETLEASE, F_RDLCK) != 0 && errno == EAGAIN; }

}  // namespace

std::optional<Lease> Lease::take(int fd, std::uint64_t dev) {
  auto& watcher = Watcher::get();
  auto& state = watcher.state(fd);
  watcher.own(fd);
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) != 0) {
    if (errno == EAGAIN) return std::nullopt;
    throw_errno("F_SETLEASE");
  }
  state = watched;
  // A break between the two lines above raised its signal before the watcher could know of us: look once.
  if (::fcntl(fd, F_GETLEASE) != F_RDLCK) watcher.wake();
  return Lease(fd, dev);
}

Lease::~Lease() {
  if (fd_ < 0) return;
  auto& state = Watcher::get().state(fd_);
  // While the watcher is dropping it, the number must not be reused: wait for its last word.
  for (auto seen = state.load(); seen == dropping || !state.compare_exchange_weak(seen, none); seen = state.load())
    std::this_thread::yield();
  ::fcntl(fd_, F_SETLEASE, F_UNLCK);
}

bool Lease::held() const { return ::fcntl(fd_, F_GETLEASE) == F_RDLCK; }

bool Lease::is_unwritten() const { return !is_counted_as_written(fd_) && held(); }

bool Lease::pin() {
  auto expected = watched;
  return Watcher::get().state(fd_).compare_exchange_strong(expected, pinned) && held();
}

// "7: LEASE  BREAKING UNLCK 1234 fe:00:5678 0 EOF", then for each that waits for it "7: -> LEASE BREAKER WRITE 4321
// ...".
std::optional<std::vector<int>> waiting_in(std::string_view table, int holder, const std::string& inode) {
  std::optional<std::vector<int>> waiting;
  std::istringstream lines{std::string(table)};
  bool ours = false;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    std::string number, kind, state, access, where;
    int pid = 0;
    in >> number >> kind;
    const bool waits = kind == "->";
    if (waits) in >> kind;
    in >> state >> access >> pid >> where;
    if (!waits) ours = kind == "LEASE" && pid == holder && where == inode;
    if (ours && !waiting) waiting.emplace();
    if (ours && waits) waiting->push_back(pid);
  }
  return waiting;
}

std::vector<int> Lease::waiting() const {
  const auto dev = dev_ != 0 ? dev_ : mount_of(fd_).dev;
  char inode[64];
  std::snprintf(inode, sizeof inode, "%02x:%02x:%llu", major(dev), minor(dev),
                static_cast<unsigned long long>(stat_fd(fd_).ino));
  for (int tries = 0; tries < 100; ++tries) {
    const auto table = read_lock_table(most_table_bytes);
    if (auto found = waiting_in(table.text, ::getpid(), inode)) return *found;
    // One who waits for another lease and is sent back as well comes to wait for it again.
    if (!table.is_whole) return processes_sleeping_in(lease_wait);
  }
  return {};
}

bool Lease::turn_away() const { return send_back(false); }

bool Lease::turn_away_once() const { return send_back(true); }

// One that is about to fall asleep is met on another round.
bool Lease::send_back(bool may_return) const {
  const auto end = std::chrono::steady_clock::now() + patience;
  std::set<int> sent;
  while (is_counted_as_written(fd_)) {
    const auto waiting = this->waiting();
    const auto was_sent = [&](int process) { return sent.contains(process); };
    if (may_return && !waiting.empty() && std::ranges::all_of(waiting, was_sent)) return true;
    for (const auto process : waiting)
      if (restart_system_call(process, lease_wait)) sent.insert(process);
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

bool sole_opener(int fd) {
  if (::fcntl(fd, F_SETLEASE, F_WRLCK) != 0) return false;
  ::fcntl(fd, F_SETLEASE, F_RDLCK);
  return true;
}

}  // namespace vunify
