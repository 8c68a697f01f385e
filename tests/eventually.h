// SPDX-License-Identifier: Apache-2.0
// How tests wait: for an event, never for a time.
#pragma once

#include <chrono>
#include <thread>

namespace vunify::test {

// Looks every millisecond until it holds. False after a minute, in which any machine, however loaded, gets there.
template <typename Holds>
bool eventually(const Holds& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace vunify::test
