// SPDX-License-Identifier: Apache-2.0
#include "sys/shared_descriptors.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "sys/directory.h"

namespace vunify {
namespace {

void end_with(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it had ended before we asked
}

int run(const std::function<int()>& work, const std::function<void()>& alongside) {
  int result = 1;
  try {
    std::thread thread([&] { result = work(); });
    alongside();
    thread.join();
  } catch (...) {
    ::_exit(1);
  }
  return result;
}

}  // namespace

int start_sharing_files(const std::function<int()>& work, const std::function<void()>& alongside) {
  const pid_t parent = ::getpid();
  const auto child = check(::syscall(SYS_clone, CLONE_FILES | SIGCHLD, nullptr, nullptr, nullptr, nullptr), "clone");
  if (child != 0) return static_cast<int>(child);
  end_with(parent);
  ::_exit(run(work, alongside));
}

// Those that looking took are not among them.
std::unordered_set<int> open_descriptors() {
  std::unordered_set<int> all;
  {
    const Fd dir = open_host("/proc/self/fd", O_RDONLY | O_DIRECTORY);
    for (const auto& name : list_names(dir.get())) all.insert(std::atoi(name.c_str()));
  }
  std::erase_if(all, [](int fd) { return ::fcntl(fd, F_GETFD) < 0; });
  return all;
}

void close_all_but(const std::unordered_set<int>& kept) {
  for (const int fd : open_descriptors())
    if (!kept.contains(fd)) ::close(fd);
}

}  // namespace vunify
