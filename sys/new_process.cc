// SPDX-License-Identifier: Apache-2.0
#include "sys/new_process.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <sstream>

#include "sys/mount_tree.h"
#include "sys/namespaces.h"
#include "sys/pipe.h"

namespace vunify {
namespace {

constexpr auto shielded = "VUNIFY_SHIELDED_PROGRAM";  // "5/usr/sbin": our root, open, and where it lies

std::atomic<int> tended{0};

void hand_on(int signal) {
  if (const int child = tended; child > 0) ::kill(child, signal);
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> all;
  for (auto& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

// Between the addresses that stand 48th to 51st, next to last, in /proc/self/stat: arg_start, arg_end, env_start,
// env_end.
void forget_words() {
  const std::string path = "/proc/self/stat";
  const auto told = read_all(open_host(path, O_RDONLY).get(), path);
  std::istringstream fields(told.substr(told.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 48; ++field) fields >> skipped;
  ::clearenv();  // which points there
  for (std::uintptr_t start = 0, end = 0; fields >> start >> end;)
    std::memset(reinterpret_cast<void*>(start), 0, end - start);
}

// The working directory stays.
void change_root(const std::string& path) { check(::chroot(path.c_str()), "chroot"); }

std::string leave_shield(const std::string& told) {
  std::size_t digits = 0;
  const Fd root(std::stoi(told, &digits));
  change_root(proc_path(root.get()));
  check(::unsetenv(shielded), "unsetenv");
  return told.substr(digits);
}

// What is mapped there can be written to by no way that /proc knows: also once the tree is gone, its mounts are as they
// were. An inherited descriptor leads back.
void live_read_only(const std::string& directory) {
  const Fd root = open_host("/", O_PATH | O_DIRECTORY);
  const int kept = check(::dup(root.get()), "dup");
  check(::setenv(shielded, (std::to_string(kept) + directory).c_str(), 1), "setenv");
  change_root(proc_path(clone_trees(root.get(), MS_RDONLY).get()));
}

void say(const std::exception& error) {
  const auto line = std::string(error.what()) + "\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

int start_process(const std::function<int(int parent)>& work) {
  const Fd us = hold_process(::getpid());
  const pid_t child = check(::fork(), "fork");
  if (child != 0) return child;
  int code = not_begun;
  try {
    end_with(us.get(), SIGKILL);
    code = work(us.get());
  } catch (const std::exception& error) {
    say(error);
  }
  ::_exit(code);
}

void end_with(int parent, int signal) {
  check(::prctl(PR_SET_PDEATHSIG, signal), "prctl");
  if (has_ended(parent)) ::_exit(not_begun);
}

int tend(int child) {
  tended = child;
  struct sigaction action {};
  action.sa_handler = hand_on;
  check(::sigaction(SIGINT, &action, nullptr), "sigaction");
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, 0);
    if (ended < 0 && errno != EINTR) throw_errno("waitpid");
    if (ended != child) continue;
    tended = 0;
    return code_of(status);
  }
}

int wait_for_process(int child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno == ECHILD) return 0;
    if (errno != EINTR) throw_errno("waitpid");
  }
  return code_of(status);
}

// Not /dev/null: that inode is the host's, and a process of its owner could change its mode.
void take_streams(int output) {
  const auto nothing = make_pipe();
  check(::dup2(nothing.reads.get(), STDIN_FILENO), "dup2");
  check(::dup2(output, STDOUT_FILENO), "dup2");
  check(::dup2(output, STDERR_FILENO), "dup2");
  check(::setsid(), "setsid");
}

void close_other_files() { check(::close_range(STDERR_FILENO + 1, ~0U, 0), "close_range"); }

void hide_process() {
  forget_words();
  check(::prctl(PR_SET_DUMPABLE, 0), "prctl");
}

void become_root() {
  if (::setgroups(0, nullptr) != 0 && errno != EPERM) throw_errno("setgroups");
  check(::setresgid(0, 0, 0), "setresgid");
  check(::setresuid(0, 0, 0), "setresuid");
}

void become_program(std::vector<std::string> words, std::vector<std::string> environment) {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(022);
  check(::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC), "close_range");
  ::execve(words.front().c_str(), pointers(words).data(), pointers(environment).data());
  throw_errno("execve", words.front());
}

// The loader finds our libraries beneath the root that the program begins with.
std::string shield_program(char** words) {
  const Fd file = open_host("/proc/self/exe", O_PATH);
  const char* told = ::getenv(shielded);
  if (told != nullptr && (statvfs_of(file.get()).f_flag & ST_RDONLY) != 0) return leave_shield(told);
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe");
  const Fd tree = clone_tree(file.get(), MS_RDONLY);
  live_read_only(program.parent_path());
  ::syscall(SYS_execveat, tree.get(), "", words, ::environ, AT_EMPTY_PATH);
  throw_errno("execveat", program.string());
}

}  // namespace vunify
