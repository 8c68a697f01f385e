// SPDX-License-Identifier: Apache-2.0
// A process that stands still: SIGSTOP reaches its threads one by one, and until the last has it one of them answers.
#pragma once

#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "sys/fd.h"
#include "tests/eventually.h"

namespace vunify::test {

// proc_pid_stat(5): "1234 (name) T ...". Gone, it is not stopped.
inline bool is_thread_stopped(const std::filesystem::path& task) {
  std::ifstream file(task / "stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(") ");
  return name_end != line.npos && line.substr(name_end + 2, 1) == "T";
}

// Returns once all of its threads stand.
inline void stop_process(int process) {
  check(::kill(process, SIGSTOP), "kill");
  const auto all_stand = [tasks = "/proc/" + std::to_string(process) + "/task"] {
    for (const auto& task : std::filesystem::directory_iterator(tasks))
      if (!is_thread_stopped(task.path())) return false;
    return true;
  };
  if (!eventually(all_stand)) throw std::runtime_error("process " + std::to_string(process) + " does not stop");
}

}  // namespace vunify::test
