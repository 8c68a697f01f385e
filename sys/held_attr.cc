// SPDX-License-Identifier: Apache-2.0
#include "sys/held_attr.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "sys/fd.h"
#include "sys/inode_attr.h"

namespace vunify {
namespace {

// include/uapi/linux/fs.h, Linux 6.17. Debian 12's headers do not have it yet; the numbers are every architecture's.
struct FileAttr {
  std::uint64_t xflags;
  std::uint32_t extent_size;
  std::uint32_t extents;
  std::uint32_t project;
  std::uint32_t cow_extent_size;
};
constexpr long file_getattr_number = 468, file_setattr_number = 469;
constexpr std::uint32_t xflag_verity = 0x20000;

constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 5> flag_of_xflag = {{{FS_XFLAG_SYNC, FS_SYNC_FL},
                                                                                   {FS_XFLAG_NOATIME, FS_NOATIME_FL},
                                                                                   {FS_XFLAG_NODUMP, FS_NODUMP_FL},
                                                                                   {FS_XFLAG_DAX, FS_DAX_FL},
                                                                                   {xflag_verity, FS_VERITY_FL}}};

// By the path of the descriptor: the calls take none that is O_PATH.
bool file_attr(long number, int path_fd, FileAttr& attr) {
  const auto path = proc_path(path_fd);
  return ::syscall(number, AT_FDCWD, path.c_str(), &attr, sizeof attr, 0) == 0;
}

}  // namespace

std::optional<HeldAttr> held_attr(int path_fd) {
  FileAttr attr{};
  if (!file_attr(file_getattr_number, path_fd, attr)) return std::nullopt;
  HeldAttr held{.project = attr.project};
  for (const auto& [xflag, flag] : flag_of_xflag)
    if ((attr.xflags & xflag) != 0) held.flags |= flag;
  return held;
}

bool set_held_project(int path_fd, std::uint32_t project) {
  FileAttr attr{};
  bool is_set = file_attr(file_getattr_number, path_fd, attr);
  if (is_set && attr.project == project) return true;
  attr.project = project;
  is_set = is_set && file_attr(file_setattr_number, path_fd, attr);
  if (!is_set && errno != ENOSYS) throw_errno("file_setattr", proc_path(path_fd));
  return is_set;
}

}  // namespace vunify
