// SPDX-License-Identifier: Apache-2.0
#include "sys/coprocess.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <vector>

#include "sys/pipe.h"

namespace vunify {
namespace {

// What we ignore a command does not.
void reset_signals(posix_spawnattr_t& attributes) {
  sigset_t ignored, none;
  ::sigemptyset(&ignored);
  ::sigaddset(&ignored, SIGPIPE);
  ::sigaddset(&ignored, SIGXFSZ);
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&attributes, &ignored);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

int spawn_shell(std::string command, int in, int out) {
  std::string shell = "sh", option = "-c";
  const std::array<char*, 4> words = {shell.data(), option.data(), command.data(), nullptr};
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  reset_signals(attributes);
  pid_t process = 0;
  errno = ::posix_spawn(&process, "/bin/sh", &files, &attributes, words.data(), ::environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  if (errno != 0) throw_errno("posix_spawn", "/bin/sh");
  return process;
}

}  // namespace

Coprocess::Coprocess(const std::string& command) {
  auto there = make_pipe(), back = make_pipe();
  process_ = spawn_shell(command, there.reads.get(), back.writes.get());
  to_ = std::move(there.writes);
  from_ = std::move(back.reads);
}

Coprocess::~Coprocess() {
  try {
    finish();
  } catch (const std::system_error&) {
  }
}

int Coprocess::finish() {
  if (process_ == 0) return 0;
  to_ = Fd();
  from_ = Fd();
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0)
    if (errno != EINTR) throw_errno("waitpid");
  process_ = 0;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace vunify
