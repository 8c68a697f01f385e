// SPDX-License-Identifier: Apache-2.0
#include "sys/program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/pipe.h"

namespace vunify {
namespace {

constexpr auto ourselves = "/proc/self/exe";

pid_t start(const std::vector<std::string>& words, int complaints) {
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDWR, 0);
  ::posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, complaints, STDERR_FILENO);
  pid_t process = 0;
  errno = ::posix_spawn(&process, ourselves, &files, nullptr, arguments.data(), ::environ);
  ::posix_spawn_file_actions_destroy(&files);
  if (errno != 0) throw_errno("posix_spawn", words.front());
  return process;
}

}  // namespace

Ended run_ourselves(const std::vector<std::string>& words) {
  Ended ended;
  pid_t process = 0;
  Fd complaints;
  {
    auto pipe = make_pipe();
    process = start(words, pipe.writes.get());
    complaints = std::move(pipe.reads);
  }
  ended.complaint = read_all(complaints.get(), "pipe");
  int status = 0;
  while (::waitpid(process, &status, 0) < 0)
    if (errno != EINTR) throw_errno("waitpid");
  ended.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return ended;
}

}  // namespace vunify
