// SPDX-License-Identifier: Apache-2.0
#include "sys/inode_attr.h"

#include <sys/ioctl.h>

#include "sys/fd.h"

namespace vunify {

std::uint32_t inode_flags(int fd) {
  int flags = 0;
  return ::ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 ? static_cast<std::uint32_t>(flags) : 0;
}

bool has_inode_flags(int fd) {
  int flags = 0;
  return ::ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;
}

std::uint32_t change_inode_flags(int fd, std::uint32_t set, std::uint32_t clear) {
  int flags = 0;
  check(::ioctl(fd, FS_IOC_GETFLAGS, &flags), "FS_IOC_GETFLAGS");
  const auto before = static_cast<std::uint32_t>(flags);
  const auto after = (before | set) & ~clear;
  flags = static_cast<int>(after);
  if (after != before) check(::ioctl(fd, FS_IOC_SETFLAGS, &flags), "FS_IOC_SETFLAGS");
  return after;
}

void set_inode_flags(int fd, std::uint32_t flags) {
  int value = static_cast<int>(flags);
  check(::ioctl(fd, FS_IOC_SETFLAGS, &value), "FS_IOC_SETFLAGS");
}

fsxattr inode_attributes(int fd) {
  fsxattr attributes{};
  check(::ioctl(fd, FS_IOC_FSGETXATTR, &attributes), "FS_IOC_FSGETXATTR");
  return attributes;
}

void set_inode_attributes(int fd, const fsxattr& attributes) {
  check(::ioctl(fd, FS_IOC_FSSETXATTR, &attributes), "FS_IOC_FSSETXATTR");
}

std::uint32_t project_id(int fd) {
  fsxattr attr{};
  return ::ioctl(fd, FS_IOC_FSGETXATTR, &attr) == 0 ? attr.fsx_projid : 0;
}

void set_project_id(int fd, std::uint32_t project) {
  fsxattr attr{};
  check(::ioctl(fd, FS_IOC_FSGETXATTR, &attr), "FS_IOC_FSGETXATTR");
  if (attr.fsx_projid == project) return;
  attr.fsx_projid = project;
  check(::ioctl(fd, FS_IOC_FSSETXATTR, &attr), "FS_IOC_FSSETXATTR");
}

}  // namespace vunify
