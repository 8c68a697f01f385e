// SPDX-License-Identifier: Apache-2.0
// How far a run is: written by every worker, read by whoever draws the progress.
#pragma once

#include <atomic>
#include <cstdint>

namespace vunify {

enum class Phase { walk, prove, link, done };

struct Counters {
  std::atomic<Phase> phase{Phase::walk};
  std::atomic<std::uint64_t> files{0};        // in this phase so far
  std::atomic<std::uint64_t> bytes{0};        // in this phase so far
  std::atomic<std::uint64_t> files_total{0};  // of this phase; 0 where it is not known
  std::atomic<std::uint64_t> bytes_total{0};

  void begin(Phase next, std::uint64_t files_expected = 0, std::uint64_t bytes_expected = 0) {
    files = 0;
    bytes = 0;
    files_total = files_expected;
    bytes_total = bytes_expected;
    phase = next;
  }
};

}  // namespace vunify
