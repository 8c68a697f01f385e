// SPDX-License-Identifier: Apache-2.0
// A daemon's main thread, which does nothing but wait: for a signal that asks it to stop, or for its threads to end.
#pragma once

#include <atomic>

namespace vunify {

class StopSignals {
 public:
  // Blocks SIGTERM, SIGINT and SIGUSR1 in this thread and all that it starts, and ignores SIGHUP and SIGPIPE.
  StopSignals();

  // Any thread: wait() is to return false, and whoever waited sees all that was done before.
  void end();
  // True where somebody asks us to stop; false after end().
  bool wait() const;

 private:
  std::atomic<bool> ended_ = false;
};

}  // namespace vunify
