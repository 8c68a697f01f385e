// SPDX-License-Identifier: Apache-2.0
// A guest that acts between two system calls of ours, at the one moment that a race would meet once in a million runs;
// and a kernel that refuses one of them.
#pragma once

#include <functional>

namespace vunify::test {

// Runs work in a thread of its own. Before each `call` (SYS_renameat2, say) that it makes, the kernel holds it, and
// guest acts in the test's own thread, told how many of them there were; then the call goes on. work starts no threads
// that outlive it, and throws nothing.
void act_before(long call, const std::function<void()>& work, const std::function<void(int nth)>& guest);

// The same, but the nth `call` is not made, and fails with error.
void fail_call(long call, int nth, int error, const std::function<void()>& work);

}  // namespace vunify::test
