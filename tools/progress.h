// SPDX-License-Identifier: Apache-2.0
// How far a run is, on stderr, by a thread of its own: a bar a few times a second on a terminal, or one JSON object a
// second for programs. It only reads the counters; a worker never waits for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

#include "survey/counters.h"

namespace vunify {

enum class ProgressMode { none, bar, json };

// "auto": a bar where stderr is a terminal, else none; "json", "none".
ProgressMode progress_mode(const std::string& word);

class Progress {
 public:
  // counters outlive it. Forks nothing, throws nothing; without a thread to be had there is no progress.
  Progress(ProgressMode mode, const Counters& counters);
  // The bar is off the screen when it returns.
  ~Progress();
  Progress(const Progress&) = delete;

 private:
  std::jthread thread_;
};

// What is drawn, apart from when and where.
struct ProgressState {
  Phase phase = Phase::walk;
  std::uint64_t files = 0, bytes = 0, files_total = 0, bytes_total = 0;
  double seconds = 0;  // since the phase began
};
// At most columns wide: "prove  [=====>    ]  41%  12,000 files  2.6 GiB  310 MiB/s  0:42 left".
std::string progress_bar(const ProgressState& state, std::size_t columns);
std::string progress_json(const ProgressState& state);  // one line, without its newline

}  // namespace vunify
