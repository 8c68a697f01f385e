// SPDX-License-Identifier: Apache-2.0
#include "sys/child.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "sys/fd.h"

namespace vunify {
namespace {

// No core file, no last words, no handler of a sanitizer's or of ours: it just ends.
void expect_the_worst(unsigned seconds) {
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGXCPU}) ::signal(number, SIG_DFL);
  const rlimit none{0, 0}, time{seconds, seconds};
  ::setrlimit(RLIMIT_CORE, &none);
  ::setrlimit(RLIMIT_CPU, &time);
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);  // a failed assertion is for nobody to read
}

// With SIGCHLD ignored, as whoever started us may have had it, the kernel keeps no child's status.
class StatusKept {
 public:
  StatusKept() : before_(::signal(SIGCHLD, SIG_DFL)) {}
  StatusKept(const StatusKept&) = delete;
  StatusKept& operator=(const StatusKept&) = delete;
  ~StatusKept() { ::signal(SIGCHLD, before_); }

 private:
  void (*before_)(int);
};

}  // namespace

bool succeeds_in_child(const std::function<bool()>& work, unsigned seconds) {
  const StatusKept kept;
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
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw_errno("waitpid");
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace vunify
