// SPDX-License-Identifier: Apache-2.0
#include "sys/stop_signals.h"

#include <unistd.h>

#include <csignal>
#include <initializer_list>

namespace vunify {
namespace {

sigset_t signals_to_stop() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) ::sigaddset(&signals, signal);
  return signals;
}

}  // namespace

StopSignals::StopSignals() {
  const auto signals = signals_to_stop();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGHUP, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

void StopSignals::end() {
  ended_ = true;
  ::kill(::getpid(), SIGUSR1);
}

bool StopSignals::wait() const {
  const auto signals = signals_to_stop();
  int signal = 0;
  while (::sigwait(&signals, &signal) != 0) continue;
  return !ended_;  // SIGUSR1 may be somebody else's
}

}  // namespace vunify
