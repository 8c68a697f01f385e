// SPDX-License-Identifier: Apache-2.0
// Two guests whose "package manager" is a script, for vapt to run.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>

#include "sys/fd.h"
#include "sys/processes.h"
#include "tests/eventually.h"
#include "tests/root_test.h"
#include "tests/tools/configured_guests.h"

namespace vunify::test {

using Words = std::vector<std::string>;

inline constexpr auto furnish = R"sh(
  mkdir -p bin proc sys dev run etc tmp usr/bin var/lib/dpkg
  cp "$(command -v busybox)" bin/busybox
  for name in sh cat ls id env sleep tty readlink head mkdir grep true touch seq; do ln -sf busybox bin/$name; done
  printf '#!/bin/sh\n. /script\n' > usr/bin/apt-get
  chmod 755 usr/bin/apt-get
  : > dev/null
)sh";

inline constexpr const char* kinds[] = {"mnt", "pid", "ipc", "uts", "cgroup", "net", "user"};
inline const std::string namespaces =
    "for kind in mnt pid ipc uts cgroup net user; do readlink /proc/self/ns/$kind; done";

class Vapt : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    if (IsSkipped()) return;
    for (const auto* name : {"a", "b"}) must(shell("cd " + root(name) + furnish));
  }

  // Seen through vcow, and made one; where the guests' files lie then.
  void adopt() {
    must(run({"vcow", "adopt", "--state", guests_ / "state", root("a"), root("b")}));
    trees_ = "vs/.vcow/";
    must(guests_.vunify({"-q", "--all"}));
  }

  std::string root(const std::string& name) const { return guests_ / ("vs/" + name); }
  std::string tree(const std::string& path) const { return trees_ + path; }
  void set_script(const std::string& script, const Words& names = {"a", "b"}) const {
    for (const auto& name : names) guests_.write(tree(name + "/script"), script + "\n");
  }
  Words command(Words words) const {
    words.insert(words.begin(), {"vapt", "--config", guests_ / "config", "--state", guests_ / "state"});
    return words;
  }
  Finished vapt(const Words& words) const { return run(command(words)); }
  // The lines of guest a, without its name.
  std::string told_by(const std::string& script) const {
    set_script(script, {"a"});
    std::istringstream lines(vapt({"-q", "--no-unify", "a", "--", "x"}).out);
    std::string told;
    for (std::string line; std::getline(lines, line);) told += line.substr(line.find(": ") + 2) + "\n";
    return told;
  }
  bool was_run() const { return guests_.exists(tree("a/ran")) || guests_.exists(tree("b/ran")); }
  // To be signalled.
  pid_t begin(const Words& words) const {
    auto all = command(words);
    all.front() = VUNIFY_BIN_DIR "/vapt";
    const pid_t child = ::fork();
    if (child != 0) return child;
    std::vector<char*> pointers;
    for (auto& word : all) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    ::execv(pointers[0], pointers.data());
    ::_exit(1);
  }
  bool begins_to_run() const {
    return eventually([&] { return guests_.exists(tree("a/ran")); });
  }
  // In their command lines.
  static int processes_that_say(const std::string& word) {
    int count = 0;
    for_each_process([&](const std::string& process) {
      const auto path = "/proc/" + process + "/cmdline";
      count += read_all(open_host(path, O_RDONLY).get(), path).find(word) != std::string::npos;
    });
    return count;
  }
  // vapt, and the one of ours that went into the guest: what that sees of it before it is the guest's program.
  static std::vector<std::string> processes_of(pid_t vapt) {
    std::vector<std::string> found = {std::to_string(vapt)};
    for_each_process([&](const std::string& process) {
      if (status_of(process, "PPid:") == "\t" + std::to_string(vapt)) found.push_back(process);
    });
    return found;
  }
  static int ended(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  ConfiguredGuests guests_{{"a", "b"}};
  std::string trees_ = "vs/";
};

}  // namespace vunify::test
