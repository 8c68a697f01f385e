// SPDX-License-Identifier: Apache-2.0
#include "sys/processes.h"

#include <fcntl.h>

#include <filesystem>
#include <system_error>

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

}  // namespace vunify
