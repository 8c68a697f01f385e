// SPDX-License-Identifier: Apache-2.0
// When to stop: SIGINT, SIGTERM or SIGHUP, or the time that was given. Every loop asks; what is begun is finished, what
// is not is left to the next run.
#pragma once

#include <chrono>
#include <optional>

namespace vunify {

class Stop {
 public:
  // Without a time it ends only by a signal.
  explicit Stop(std::optional<std::chrono::seconds> max_time = {});

  bool requested() const { return signal() != 0 || time_is_up(); }
  int signal() const;     // the signal that was caught, 0 for none
  bool insisted() const;  // SIGINT or SIGTERM was caught a second time
  bool time_is_up() const;

 private:
  std::optional<std::chrono::steady_clock::time_point> deadline_;
};

// From now on these signals are noted, not obeyed; SIGHUP stays ignored where it is (nohup(1)).
void catch_stop_signals();

}  // namespace vunify
