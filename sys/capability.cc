// SPDX-License-Identifier: Apache-2.0
#include "sys/capability.h"

#include <fcntl.h>

#include <cstdint>
#include <sstream>
#include <string>
#include <system_error>

#include "sys/fd.h"
#include "sys/processes.h"

namespace vunify {
namespace {

// "CapBnd:\t000001ffffffffff"
std::uint64_t set_of(const std::string& process, const std::string& name) {
  const auto path = "/proc/" + process + "/status";
  std::istringstream lines(read_all(open_host(path, O_RDONLY).get(), path));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name)) return std::stoull(line.substr(name.size()), nullptr, 16);
  return 0;
}

bool holds(std::uint64_t set, unsigned capability) { return (set >> capability & 1) != 0; }

}  // namespace

bool has_capability(unsigned capability) { return holds(set_of("self", "CapEff:"), capability); }

bool may_have_capability(int process, unsigned capability) {
  try {
    const auto number = std::to_string(process);
    return holds(set_of(number, "CapBnd:"), capability) &&
           link_of_process(number, "ns/user") == link_of_process("self", "ns/user");
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace vunify
