// SPDX-License-Identifier: Apache-2.0
#include "sys/swap_files.h"

#include <fcntl.h>

#include <sstream>

#include "sys/fd.h"
#include "sys/mount.h"

namespace vunify {

// "/swapfile    file    2097148    0    -2"
std::vector<std::string> parse_swap_files(std::string_view table) {
  std::vector<std::string> paths;
  std::istringstream lines{std::string(table)};
  std::string line, path, type;
  while (std::getline(lines, line))
    if (std::istringstream words(line); words >> path >> type && type == "file") paths.push_back(unescape_path(path));
  return paths;
}

std::vector<Inode> active_swap_files() {
  const std::string table = "/proc/swaps";
  std::vector<Inode> inodes;
  try {
    for (const auto& path : parse_swap_files(read_all(open_host(table, O_RDONLY).get(), table)))
      if (const auto inode = stat_name(AT_FDCWD, path.c_str())) inodes.push_back(*inode);
  } catch (const std::system_error&) {
    return inodes;  // a kernel without swap has no table; the reason is less exact without it
  }
  return inodes;
}

}  // namespace vunify
