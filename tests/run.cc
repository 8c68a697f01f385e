// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>

#include "sys/fd.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

// Our own environment, with our programs first on PATH. Leaks are looked for in the tests' own processes: a program
// that is traced, or confined, cannot look at itself, and it takes half of what a program takes that ends at once, with
// the stacks of all that it allocates.
std::vector<std::string> child_environment() {
  std::vector<std::string> variables{"ASAN_OPTIONS=detect_leaks=0:malloc_context_size=4"};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    variables.push_back(text.starts_with("PATH=") ? "PATH=" VUNIFY_BIN_DIR ":" + text.substr(5) : text);
  }
  return variables;
}

std::string program_of(const std::string& name) {
  const std::string ours = std::string(VUNIFY_BIN_DIR "/") + name;
  return name.find('/') == std::string::npos && ::access(ours.c_str(), X_OK) == 0 ? ours : name;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> result;
  for (const auto& word : words) result.push_back(const_cast<char*>(word.c_str()));
  result.push_back(nullptr);
  return result;
}

// Output goes to files in memory, not pipes: nobody has to read while the program runs, so nothing can block.
Fd memory_file(const std::string& content = {}) {
  Fd file(check(::memfd_create("stream", MFD_CLOEXEC), "memfd_create"));
  write_all(file.get(), content, "memfd");
  check(::lseek(file.get(), 0, SEEK_SET), "lseek");
  return file;
}

std::string content_of(const Fd& file) {
  check(::lseek(file.get(), 0, SEEK_SET), "lseek");
  return read_all(file.get(), "memfd");
}

// The program starts with every signal as usual, whatever this test ignores or blocks.
int spawn(pid_t& child, const std::vector<std::string>& command, const std::array<int, 3>& streams) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (int i = 0; i < 3; ++i) ::posix_spawn_file_actions_adddup2(&actions, streams[static_cast<std::size_t>(i)], i);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  const auto environment = child_environment();
  const int error = ::posix_spawnp(&child, program_of(command.front()).c_str(), &actions, &attributes,
                                   pointers(command).data(), pointers(environment).data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return error;
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw_errno("waitpid");
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Finished run(const std::vector<std::string>& command, const std::string& input) {
  const Fd in = memory_file(input), out = memory_file(), err = memory_file();
  pid_t child = 0;
  if (const int error = spawn(child, command, {in.get(), out.get(), err.get()}))
    return {127, "", command.front() + ": " + std::strerror(error)};
  const int status = wait_for(child);
  return {status, content_of(out), content_of(err)};
}

Finished shell(const std::string& script) { return run({"sh", "-c", script}); }

double processor_seconds_of(const std::function<void()>& work) {
  const auto so_far = [] {
    rusage children{};
    check(::getrusage(RUSAGE_CHILDREN, &children), "getrusage");
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(children.ru_utime) + seconds(children.ru_stime);
  };
  const auto before = so_far();
  work();
  return so_far() - before;
}

void must(const Finished& finished) {
  if (finished.status != 0) throw std::runtime_error(finished.out + finished.err);
}

void shell_or_fail(const std::string& script) { must(shell(script)); }

}  // namespace vunify::test
