// SPDX-License-Identifier: Apache-2.0
// A child with which we have one table of open files (clone(2), CLONE_FILES): what one of us opens or closes is open or
// closed for the other, under the same number; and when one is killed nothing is closed at all.
#pragma once

#include <functional>
#include <unordered_set>

#include "sys/fd.h"

namespace vunify {

// Starts it, and returns its number. It ends with what work returns, 0 to 255, or is killed as soon as we end. Only
// while this process has one thread. The C library does not know of this child: work runs in a thread of its own, whose
// locks are in its own name; alongside() in the child's first thread meanwhile, which does nothing after it.
int start_sharing_files(const std::function<int()>& work, const std::function<void()>& alongside);

// All numbers that are open now.
std::unordered_set<int> open_descriptors();
void close_all_but(const std::unordered_set<int>& kept);

}  // namespace vunify
