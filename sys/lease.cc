// SPDX-License-Identifier: Apache-2.0
#include "sys/lease.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
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

  // Of a lease that the watcher is not just looking at.
  State settled(int fd) {
    auto& state = this->state(fd);
    auto seen = state.load();
    for (; seen == dropping; seen = state.load()) std::this_thread::yield();
    return seen;
  }

  // False where it is another, once the watcher has looked.
  bool replace(int fd, State from, State to) {
    auto& state = this->state(fd);
    for (auto seen = from; !state.compare_exchange_strong(seen, to); seen = from)
      if (settled(fd) != from) return false;
    return true;
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

  // After which the kernel gives a lease up itself (proc_sys_fs(5), lease-break-time), counted from when somebody first
  // wanted to write. Zero, where it cannot be read.
  std::chrono::seconds break_time() const { return break_time_; }

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
    // One that was only about to be taken when it was looked at may be there by now.
    const bool broken = ::fcntl(fd, F_GETLEASE) != F_RDLCK;
    if (broken) ::fcntl(fd, F_SETLEASE, F_UNLCK);
    state = broken ? none : watched;
  }

  static std::chrono::seconds read_break_time() {
    try {
      const std::string path = "/proc/sys/fs/lease-break-time";
      return std::chrono::seconds(std::stol(read_all(open_host(path, O_RDONLY).get(), path)));
    } catch (const std::exception&) {
      return {};
    }
  }

  std::vector<std::atomic<State>> states_;
  std::atomic<int> highest_{0};
  std::atomic<pid_t> thread_{0};
  std::chrono::seconds break_time_ = read_break_time();
};

using std::chrono::milliseconds;
constexpr milliseconds patience{2000};        // with the writers of one file
constexpr milliseconds whole_patience{6000};  // of a process, with those that do not come
constexpr milliseconds little_patience{20};   // from then on: a hundred times what a writer takes whom nothing keeps
std::atomic<milliseconds::rep> waited_in_vain{0};

constexpr std::string_view lease_wait = "__break_lease";  // where the kernel has those sleep who wait for a lease
constexpr std::size_t most_table_bytes = 256 << 10;       // of the locks: 5,000 lines, which take the kernel 3 ms

// inode_is_open_for_write() of the kernel (fs/locks.c, check_conflicting_open): counted before fanotify is asked, and
// before the lease is met. The lease that is there stays as it is.
bool is_counted_as_written(int fd) { return ::fcntl(fd, F_SETLEASE, F_RDLCK) != 0 && errno == EAGAIN; }

}  // namespace

// Watched before it is taken: whoever breaks it then is told to the watcher, and one that the watcher saw too early,
// and took for given up, is taken once more.
std::optional<Lease> Lease::take(int fd, std::uint64_t dev) {
  auto& watcher = Watcher::get();
  auto& state = watcher.state(fd);
  watcher.own(fd);
  for (;;) {
    const auto now = Clock::now();
    state = watched;
    const bool taken = ::fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
    const int error = errno;
    Lease lease(fd, dev, now);
    if (taken && state == watched) return lease;
    lease.leave_watcher();
    if (taken) continue;
    lease.fd_ = -1;
    if (error == EAGAIN) return std::nullopt;
    errno = error;
    throw_errno("F_SETLEASE");
  }
}

// While the watcher is dropping it, the number must not be reused: wait for its last word.
void Lease::leave_watcher() const {
  auto& watcher = Watcher::get();
  while (!watcher.replace(fd_, watcher.settled(fd_), none)) continue;
}

Lease::~Lease() {
  if (fd_ < 0) return;
  leave_watcher();
  ::fcntl(fd_, F_SETLEASE, F_UNLCK);
}

void Lease::end_with([[maybe_unused]] Fd fd) && {
  assert(fd.get() == fd_);
  leave_watcher();
  fd_ = -1;
}

bool Lease::held() const { return ::fcntl(fd_, F_GETLEASE) == F_RDLCK; }

bool Lease::is_kept() const { return Watcher::get().settled(fd_) == watched; }

// Asked for again, one that was given up, by the watcher or, after a time, by the kernel, would look as if it had been
// there all the while.
bool Lease::is_not_lost() const {
  auto& watcher = Watcher::get();
  return watcher.settled(fd_) != none && (Clock::now() < taken_ + watcher.break_time() / 2 || held());
}

bool Lease::has_no_writer() const { return is_not_lost() && !is_counted_as_written(fd_); }

bool Lease::pin() { return Watcher::get().replace(fd_, watched, pinned) && is_not_lost(); }

bool Lease::become_exclusive() { return ::fcntl(fd_, F_SETLEASE, F_WRLCK) == 0; }

bool is_open_elsewhere(int fd) {
  Watcher::get();  // who comes to it in this moment raises SIGIO
  const int before = ::fcntl(fd, F_GETLEASE);
  if (::fcntl(fd, F_SETLEASE, F_WRLCK) != 0) return true;
  check(::fcntl(fd, F_SETLEASE, before), "F_SETLEASE");
  return false;
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

Lease::Waiting Lease::waiting() const {
  const auto dev = dev_ != 0 ? dev_ : mount_of(fd_).dev;
  char inode[64];
  std::snprintf(inode, sizeof inode, "%02x:%02x:%llu", major(dev), minor(dev),
                static_cast<unsigned long long>(stat_fd(fd_).ino));
  for (int tries = 0; tries < 100; ++tries) {
    const auto table = read_lock_table(most_table_bytes);
    if (auto found = waiting_in(table.text, ::getpid(), inode)) return {*found, true};
    // One who waits for another lease and is sent back as well comes to wait for it again.
    if (!table.is_whole) return {processes_sleeping_in(lease_wait), false};
  }
  return {{}, false};
}

bool Lease::turn_away() const { return send_back(false); }

bool Lease::turn_away_once() const { return send_back(true); }

// One that is about to fall asleep is met on another round. Whoever keeps his writers from coming (ptrace(2),
// fanotify(7)) could do so with each file.
bool Lease::send_back(bool may_return) const {
  const auto most = waited_in_vain < whole_patience.count() ? patience : little_patience;
  const auto end = std::chrono::steady_clock::now() + most;
  std::set<int> sent;
  while (is_counted_as_written(fd_)) {
    const auto [waiting, all_for_this] = this->waiting();
    const auto was_sent = [&sent](int process) { return sent.contains(process); };
    if (may_return && all_for_this && !waiting.empty() && std::ranges::all_of(waiting, was_sent)) return true;
    for (const auto process : waiting)
      if (restart_system_call(process, lease_wait)) sent.insert(process);
    if (std::chrono::steady_clock::now() > end) {
      waited_in_vain += most.count();
      return false;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

}  // namespace vunify
