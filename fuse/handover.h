// SPDX-License-Identifier: Apache-2.0
// What a worker leaves to the one that comes after it, and a program to the one that takes its place: it lies at the
// beginning of the memory that outlives them (sys/shared_memory).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <type_traits>

namespace vunify {

// Of all that lies in the memory, and of the command line that goes with it: whoever changes a structure in it, or
// takes away an option of vcow mount, counts this up.
inline constexpr std::uint32_t memory_layout = 1;

// Descriptors that a program needs to go on with, by their numbers.
struct Descriptors {
  int guest = -1, device = -1, root = -1, read_only = -1, staging_parent = -1, record = -1, listening = -1;
  int program = -1;  // the one before
};

struct Handover {
  std::uint32_t layout = memory_layout;
  std::uint32_t init_bytes = 0;
  std::array<char, 512> init{};  // the kernel's first request, as it was read
  std::uint32_t workers = 0;     // that were started
  std::uint32_t replaced = 0;    // that died, or gave way to another program
  bool has_begun = false;        // one of them served
  bool serves = false;           // this worker does
  bool went_back = false;        // this program served before, and the one that was to go on could not
  bool is_error = false;         // of the system, `error`; else whatever stopped it
  int error = 0;
  std::array<char, 1024> failed{};  // why it does not
  Descriptors descriptors;

  std::span<const char> init_request() const {
    return {init.data(), init_bytes < init.size() ? init_bytes : init.size()};
  }
};
static_assert(std::is_trivially_copyable_v<Handover>);

template <std::size_t N>
void put_text(std::array<char, N>& place, const std::string& text) {
  place.fill('\0');
  text.copy(place.data(), N - 1);
}

// What work throws is noted as what stopped it. Returns 0 where it threw nothing, else 1.
int noting_failure(Handover& handover, const std::function<void()>& work);

}  // namespace vunify
