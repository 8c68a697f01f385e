// SPDX-License-Identifier: Apache-2.0
// A run of vunify that stands still in the middle of things for as long as a test looks at it.
#pragma once

#include <future>
#include <string>
#include <vector>

#include "tests/scratch.h"

namespace vunify::test {

class StoppedRun {
 public:
  // Returns once the command, which should work in one thread, has been stopped (SIGSTOP) by strace at its n-th call of
  // this name. trace: a file for strace's own use. Throws where the run ended before.
  StoppedRun(std::vector<std::string> command, const std::string& call, int n, const std::string& trace);
  ~StoppedRun();
  StoppedRun(const StoppedRun&) = delete;

  int process() const { return process_; }
  Finished go_on();  // to its end; once

 private:
  std::future<Finished> run_;
  int process_ = 0;
};

}  // namespace vunify::test
