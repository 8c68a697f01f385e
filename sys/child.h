// SPDX-License-Identifier: Apache-2.0
// Work that may crash, done by a child process (fork(2)): what happens to it does not happen to us.
#pragma once

#include <functional>

namespace vunify {

// True where the child's work returned true; false where it returned false, threw, was killed by a signal, or took
// more than `seconds` of processor time. Only while this process has one thread, and holds no lease.
bool succeeds_in_child(const std::function<bool()>& work, unsigned seconds);

}  // namespace vunify
