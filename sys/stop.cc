// SPDX-License-Identifier: Apache-2.0
#include "sys/stop.h"

#include <atomic>
#include <csignal>

#include "sys/fd.h"

namespace vunify {
namespace {

std::atomic<int> caught{0}, times_asked{0};

void note(int signal) {
  caught = signal;
  if (signal != SIGHUP) ++times_asked;  // of which one hangup may bring several
}

bool is_ignored(int signal) {
  struct sigaction action {};
  check(::sigaction(signal, nullptr, &action), "sigaction");
  return action.sa_handler == SIG_IGN;
}

}  // namespace

Stop::Stop(std::optional<std::chrono::seconds> max_time) {
  if (max_time) deadline_ = std::chrono::steady_clock::now() + *max_time;
}

int Stop::signal() const { return caught; }

bool Stop::insisted() const { return times_asked > 1; }

bool Stop::time_is_up() const { return deadline_ && std::chrono::steady_clock::now() >= *deadline_; }

void catch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  for (int signal : {SIGINT, SIGTERM}) check(::sigaction(signal, &action, nullptr), "sigaction");
  if (!is_ignored(SIGHUP)) check(::sigaction(SIGHUP, &action, nullptr), "sigaction");
}

}  // namespace vunify
