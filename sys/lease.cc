// SPDX-License-Identifier: Apache-2.0
#include "sys/lease.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "sys/fd.h"

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

}  // namespace

std::optional<Lease> Lease::take(int fd) {
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
  return Lease(fd);
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

bool Lease::pin() {
  auto expected = watched;
  return Watcher::get().state(fd_).compare_exchange_strong(expected, pinned) && held();
}

bool sole_opener(int fd) {
  if (::fcntl(fd, F_SETLEASE, F_WRLCK) != 0) return false;
  ::fcntl(fd, F_SETLEASE, F_RDLCK);
  return true;
}

}  // namespace vunify
