// SPDX-License-Identifier: Apache-2.0
#include "packages/front_end.h"

#include <fcntl.h>

#include <algorithm>
#include <vector>

#include "sys/inode.h"

namespace vunify {
namespace {

struct FrontEnd {
  const char* program;
  std::vector<const char*> databases;  // one of these is there
};

const std::vector<const char*> of_rpm = {"var/lib/rpm", "usr/lib/sysimage/rpm", ".rpmdb", "root/.rpmdb"};
const std::vector<FrontEnd> front_ends = {{"apt-get", {"var/lib/dpkg"}},
                                          {"dnf", of_rpm},
                                          {"microdnf", of_rpm},
                                          {"yum", of_rpm},
                                          {"apk", {"lib/apk/db", "usr/lib/apk/db"}},
                                          {"pacman", {"var/lib/pacman"}}};

constexpr const char* directories[] = {"usr/bin/", "bin/", "usr/sbin/", "sbin/"};

// A name that leads nowhere, or onto another mount, is none.
std::optional<Inode> look_at(const RootDir& root, const std::string& path) {
  try {
    return stat_fd(root.open_in_root(path, O_PATH).get());
  } catch (const std::system_error& error) {
    for (const int number : {ENOENT, ENOTDIR, ELOOP, EXDEV})
      if (is_error(error, number)) return std::nullopt;
    throw;
  }
}

bool has_database(const RootDir& root, const FrontEnd& front_end) {
  return std::ranges::any_of(front_end.databases, [&](const char* path) {
    const auto inode = look_at(root, path);
    return inode && inode->is_directory();
  });
}

bool is_program(const std::optional<Inode>& inode) { return inode && inode->is_regular() && (inode->mode & 0111) != 0; }

}  // namespace

std::optional<std::string> find_front_end(const RootDir& root) {
  for (const auto& front_end : front_ends) {
    if (!has_database(root, front_end)) continue;
    for (const char* directory : directories)
      if (const auto path = std::string(directory) + front_end.program; is_program(look_at(root, path)))
        return "/" + path;
  }
  return std::nullopt;
}

}  // namespace vunify
