// SPDX-License-Identifier: Apache-2.0
// Errors that the kernel of this machine does not make: strace(1) answers in its place.
#pragma once

#include <csignal>
#include <string>

#include "tests/eventually.h"
#include "tests/scratch.h"

namespace vunify::test {

// As long as it lives, calls of the daemon fail as strace's `inject` says.
class Injected {
 public:
  Injected(int daemon, const std::string& what) : daemon_(daemon) {
    must(shell("strace -f -qq -e inject=" + what + " -o /dev/null -p " + std::to_string(daemon) +
               " >/dev/null 2>&1 & echo $! > " + (files_ / "tracer")));
    tracer_ = std::stoi(files_.read("tracer"));
    EXPECT_TRUE(eventually([&] { return is_traced(); }));
  }
  ~Injected() {
    ::kill(tracer_, SIGINT);
    EXPECT_TRUE(eventually([&] { return ::kill(tracer_, 0) != 0; }));
  }
  Injected(const Injected&) = delete;

 private:
  // All of its threads.
  bool is_traced() const {
    return shell("! grep -q '^TracerPid:.0$' /proc/" + std::to_string(daemon_) + "/task/*/status").status == 0;
  }

  Scratch files_;
  int daemon_, tracer_ = 0;
};

}  // namespace vunify::test
