// SPDX-License-Identifier: Apache-2.0
#include "sys/process_use.h"

#include <fcntl.h>

#include <sstream>
#include <string>
#include <string_view>

#include "sys/fd.h"

namespace vunify {
namespace {

std::string read_of(int process, const char* file) {
  const auto path = "/proc/" + std::to_string(process) + "/" + file;
  return read_all(open_host(path, O_RDONLY).get(), path);
}

// "Pss:    1234 kB"
std::uint64_t number_of(const std::string& text, std::string_view name) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name)) return std::stoull(line.substr(name.size()));
  return 0;
}

}  // namespace

std::optional<ProcessUse> use_of_process(int process) {
  try {
    const auto memory = read_of(process, "smaps_rollup");
    return ProcessUse{number_of(memory, "Rss:") << 10, number_of(memory, "Pss:") << 10,
                      number_of(read_of(process, "status"), "Threads:")};
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace vunify
