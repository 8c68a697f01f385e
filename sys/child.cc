// SPDX-License-Identifier: Apache-2.0
#include "sys/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>

#include "sys/fd.h"
#include "sys/pipe.h"

namespace vunify {
namespace {

using Clock = std::chrono::steady_clock;

// No core file, no last words, no handler of a sanitizer's or of ours: it just ends.
void expect_the_worst(unsigned seconds) {
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGXCPU}) ::signal(number, SIG_DFL);
  const rlimit none{0, 0}, time{seconds, seconds};
  ::setrlimit(RLIMIT_CORE, &none);
  ::setrlimit(RLIMIT_CPU, &time);
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);  // a failed assertion is for nobody to read
}

// Added to what there is: a sanitizer has reserved terabytes of addresses.
void limit_memory(std::uint64_t more_bytes) {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t bytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + more_bytes;
  const rlimit memory{bytes, bytes};
  check(::setrlimit(RLIMIT_AS, &memory), "setrlimit");
}

void end_with_parent(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it had ended before we asked
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

pid_t start_child(const std::function<bool()>& work, unsigned seconds) {
  const pid_t parent = ::getpid();
  const pid_t child = check(::fork(), "fork");
  if (child != 0) return child;
  end_with_parent(parent);
  expect_the_worst(seconds);
  bool succeeded = false;
  try {
    succeeded = work();
  } catch (...) {
  }
  ::_exit(succeeded ? 0 : 1);
}

bool has_succeeded(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw_errno("waitpid");
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool is_readable_before(int fd, Clock::time_point end) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd one{fd, POLLIN, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(std::max<long>(left, 0)));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

// Whether all was read that the child wrote.
bool read_answer(int fd, const ChildLimits& limits, std::string& answer) {
  const auto end = Clock::now() + std::chrono::seconds(limits.seconds);
  char buffer[1 << 16];
  while (is_readable_before(fd, end)) {
    const auto got = read_some(fd, buffer, "pipe");
    if (got == 0) return true;
    if (got > limits.answer_bytes - answer.size()) return false;
    answer.append(buffer, got);
  }
  return false;
}

}  // namespace

bool succeeds_in_child(const std::function<bool()>& work, unsigned seconds) {
  const StatusKept kept;
  return has_succeeded(start_child(work, seconds));
}

std::optional<std::string> answer_of_child(const std::function<std::string()>& work, const ChildLimits& limits) {
  auto pipe = make_pipe();
  const auto write_answer = [&] {
    limit_memory(limits.memory_bytes);
    write_all(pipe.writes.get(), work(), "pipe");
    return true;
  };
  const StatusKept kept;
  const pid_t child = start_child(write_answer, limits.seconds);
  pipe.writes = Fd();
  std::string answer;
  const bool whole = read_answer(pipe.reads.get(), limits, answer);
  if (!whole) ::kill(child, SIGKILL);
  return has_succeeded(child) && whole ? std::optional(std::move(answer)) : std::nullopt;
}

}  // namespace vunify
