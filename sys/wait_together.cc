// SPDX-License-Identifier: Apache-2.0
#include "sys/wait_together.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

namespace vunify {
namespace {

constexpr std::size_t most_threads = 512;  // of 8 MiB of address space each, hardly a page of it used

}  // namespace

void wait_together(std::size_t count, const std::function<void(std::size_t)>& wait) {
  for (std::size_t first = 0; first < count; first += most_threads) {
    std::vector<std::jthread> threads;
    for (auto i = first; i < std::min(count, first + most_threads); ++i) {
      try {
        threads.emplace_back([&wait, i] { wait(i); });
      } catch (const std::system_error&) {
        wait(i);  // no thread to be had
      }
    }
  }
}

}  // namespace vunify
