// SPDX-License-Identifier: Apache-2.0
#include "sys/process_name.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace vunify {
namespace {

bool is_plain(char letter) { return letter >= ' ' && letter <= '~'; }

}  // namespace

ProcessNames::ProcessNames() : proc_(open_host("/proc", O_PATH | O_DIRECTORY)) {}

std::string ProcessNames::of(int process) const {
  if (process <= 0) return "?";
  const Fd file(::openat(proc_.get(), (std::to_string(process) + "/comm").c_str(), O_RDONLY | O_CLOEXEC));
  char name[64];  // TASK_COMM_LEN is 16, the line's end included; a kernel thread's is longer
  const auto got = file ? ::read(file.get(), name, sizeof name) : -1;
  if (got < 2) return "?";
  std::string told(name, static_cast<std::size_t>(got) - 1);
  std::ranges::replace_if(
      told, [](char letter) { return !is_plain(letter); }, '?');
  return told;
}

}  // namespace vunify
