// SPDX-License-Identifier: Apache-2.0
// Calls that may each wait long for somebody else (a guest's lease: sys/handle.h), waited for side by side: all of them
// take as long as one.
#pragma once

#include <cstddef>
#include <functional>

namespace vunify {

// Calls wait(0) to wait(count - 1), each in a thread of its own, some hundred at a time, and returns when all have
// returned. wait() must not throw.
void wait_together(std::size_t count, const std::function<void(std::size_t)>& wait);

}  // namespace vunify
