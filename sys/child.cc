// SPDX-License-Identifier: Apache-2.0
#include "sys/child.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "sys/fd.h"

namespace vunify {
namespace {

// No core file, no handler of a sanitizer's or of ours: it just ends.
void expect_the_worst(unsigned seconds) {
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGXCPU}) ::signal(number, SIG_DFL);
  const rlimit none{0, 0}, time{seconds, seconds};
  ::setrlimit(RLIMIT_CORE, &none);
  ::setrlimit(RLIMIT_CPU, &time);
}

}  // namespace

bool succeeds_in_child(const std::function<bool()>& work, unsigned seconds) {
  const pid_t child = check(::fork(), "fork");
  if (child == 0) {
    expect_the_worst(seconds);
    bool succeeded = false;
    try {
      succeeded = work();
    } catch (...) {
    }
    ::_exit(succeeded ? 0 : 1);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace vunify
