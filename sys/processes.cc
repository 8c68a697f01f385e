// SPDX-License-Identifier: Apache-2.0
#include "sys/processes.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <system_error>
#include <vector>

#include "sys/directory.h"
#include "sys/fd.h"

namespace vunify {

void for_each_process(const std::function<void(const std::string& process)>& look) {
  for (const auto& name : list_names(open_host("/proc", O_RDONLY | O_DIRECTORY).get())) {
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    try {
      look(name);
    } catch (const std::system_error&) {  // it has ended
    }
  }
}

std::string link_of_process(const std::string& process, const std::string& link) {
  return std::filesystem::read_symlink("/proc/" + process + "/" + link).string();
}

std::string status_of(const std::string& process, const std::string& name) {
  const auto path = "/proc/" + process + "/status";
  std::istringstream lines(read_all(open_host(path, O_RDONLY).get(), path));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name)) return line.substr(name.size());
  return {};
}

// "Gid:" tells four: the real, the effective, the saved, the one that files get.
bool process_is_in_group(int process, gid_t group) {
  try {
    const auto number = std::to_string(process);
    std::istringstream own(status_of(number, "Gid:")), others(status_of(number, "Groups:"));
    const std::vector<gid_t> four(std::istream_iterator<gid_t>(own), {});
    if (four.size() == 4 && four.back() == group) return true;
    return std::find(std::istream_iterator<gid_t>(others), {}, group) != std::istream_iterator<gid_t>();
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace vunify
