// SPDX-License-Identifier: Apache-2.0
#include "sys/process.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>

#include "sys/directory.h"
#include "sys/fd.h"
#include "sys/processes.h"

namespace vunify {
namespace {

// include/uapi/linux/ioprio.h, which is no C++: it has a parameter called `class` (linux-libc-dev 6.1.192).
constexpr int ioprio_who_process = 1;
constexpr int ioprio_class_idle = 3;
constexpr int ioprio_class_shift = 13;

// It comes within microseconds. One that does not is not waited for: the thread is let go when we end.
std::optional<int> wait_for_stop(pid_t thread) {
  for (int tries = 0; tries < 200; ++tries, ::usleep(100)) {
    int status = 0;
    if (::waitpid(thread, &status, __WALL | WNOHANG) == thread) return status;
  }
  return std::nullopt;
}

// A signal that was about to be delivered when the thread stopped goes on with it.
bool interrupt(pid_t thread) {
  if (::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) return false;
  ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
  const auto status = wait_for_stop(thread);
  if (!status) return false;
  const bool by_us = *status >> 16 == PTRACE_EVENT_STOP;
  ::ptrace(PTRACE_DETACH, thread, nullptr, by_us || !WIFSTOPPED(*status) ? 0 : WSTOPSIG(*status));
  return true;
}

// task: /proc/PID/task/TID; false where it has ended.
bool sleeps_in(const std::string& task, std::string_view function) {
  try {
    const auto wchan = task + "/wchan";
    return read_all(open_host(wchan, O_RDONLY).get(), wchan) == function;
  } catch (const std::system_error&) {
    return false;
  }
}

std::vector<std::string> threads_sleeping_in(const std::string& process, std::string_view function) {
  const auto tasks = "/proc/" + process + "/task";
  auto threads = list_names(open_host(tasks, O_RDONLY | O_DIRECTORY).get());
  std::erase_if(threads, [&](const std::string& thread) { return !sleeps_in(tasks + "/" + thread, function); });
  return threads;
}

}  // namespace

void use_idle_io() { ::syscall(SYS_ioprio_set, ioprio_who_process, 0, ioprio_class_idle << ioprio_class_shift); }

std::size_t raise_open_files_limit() {
  rlimit limit{};
  check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 1 << 20);
  check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  return limit.rlim_cur;
}

void lift_limits(std::size_t open_files) {
  const rlimit files{open_files, open_files};
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0) raise_open_files_limit();
  const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
  ::setrlimit(RLIMIT_FSIZE, &none);
}

bool is_root() { return ::geteuid() == 0; }

bool restart_system_call(int process, std::string_view sleeping_in) {
  bool restarted = false;
  try {
    for (const auto& thread : threads_sleeping_in(std::to_string(process), sleeping_in))
      restarted |= interrupt(std::stoi(thread));
  } catch (const std::system_error&) {  // it has ended
  }
  return restarted;
}

std::vector<int> processes_sleeping_in(std::string_view function) {
  std::vector<int> found;
  for_each_process([&](const std::string& process) {
    if (!threads_sleeping_in(process, function).empty()) found.push_back(std::stoi(process));
  });
  return found;
}

}  // namespace vunify
