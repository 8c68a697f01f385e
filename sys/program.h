// SPDX-License-Identifier: Apache-2.0
// A program that is run to its end, for what it does and not for what it says.
#pragma once

#include <string>
#include <vector>

namespace vunify {

struct Ended {
  int code = 0;           // its exit code, or 128 and the signal that ended it
  std::string complaint;  // all that it wrote to standard error
};

// Another of this very program, also where its file was replaced meanwhile. words: its arguments, the first of which is
// its own name. It reads nothing, and what it writes to standard output is for nobody. What it leaves in the background
// is not waited for, once that has let standard error go. Any number of threads may; throws std::system_error where it
// cannot be started.
Ended run_ourselves(const std::vector<std::string>& words);

}  // namespace vunify
