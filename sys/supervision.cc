// SPDX-License-Identifier: Apache-2.0
#include "sys/supervision.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "sys/shared_descriptors.h"

namespace vunify {
namespace {

constexpr int killed_by = 128;
constexpr timespec a_second{1, 0};

sigset_t signals_to_supervise() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGCHLD, SIGUSR1, SIGUSR2}) ::sigaddset(&signals, signal);
  return signals;
}

int status_of(int status) { return WIFSIGNALED(status) ? killed_by + WTERMSIG(status) : WEXITSTATUS(status); }

}  // namespace

Supervision::Supervision() {
  const auto signals = signals_to_supervise();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGCHLD, SIG_DFL);  // ignored, the kernel would keep no status
  for (const int signal : {SIGHUP, SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
}

Supervision::Event Supervision::wait() const {
  const auto signals = signals_to_supervise();
  switch (::sigtimedwait(&signals, nullptr, &a_second)) {
    case -1:
      return Event::nothing;
    case SIGCHLD:
      return Event::child;
    case SIGUSR1:
      return Event::told;
    case SIGUSR2:
      return Event::replace;
    default:
      return Event::stop;
  }
}

std::optional<Supervision::Ended> Supervision::next_ended() {
  int status = 0;
  const pid_t child = ::waitpid(-1, &status, WNOHANG);
  if (child <= 0) return std::nullopt;
  return Ended{child, status_of(status)};
}

// Its first thread is a zombie (proc_pid_stat(5)), and waits for the others.
bool Supervision::is_dying(int child) {
  try {
    const auto path = "/proc/" + std::to_string(child) + "/stat";
    const auto stat = read_all(open_host(path, O_RDONLY).get(), path);
    return stat.find(") Z ") != std::string::npos;
  } catch (const std::system_error&) {
    return false;
  }
}

void Supervision::kill(int child) { ::kill(child, SIGKILL); }

int Supervision::start(const std::function<int()>& work) {
  const pid_t parent = ::getpid();
  const pid_t child = check(::fork(), "fork");
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  int status = 1;
  try {
    status = work();
  } catch (...) {  // it has said what it has to say
  }
  ::_exit(status);
}

void Supervision::tell(int supervisor) { ::kill(supervisor, SIGUSR1); }

std::string become(const std::string& program, const std::vector<std::string>& words) {
  std::vector<const char*> all{program.c_str()};
  for (const auto& word : words) all.push_back(word.c_str());
  all.push_back(nullptr);
  for (const int fd : open_descriptors()) ::fcntl(fd, F_SETFD, 0);
  ::execv(program.c_str(), const_cast<char**>(all.data()));
  return std::generic_category().message(errno);
}

bool ask_to_replace(int process) { return ::kill(process, SIGUSR2) == 0; }

}  // namespace vunify
