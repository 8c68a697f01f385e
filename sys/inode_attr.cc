// SPDX-License-Identifier: Apache-2.0
#include "sys/inode_attr.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

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

std::uint32_t known_cowlink_flags(int fd) {
  struct statx told {};
  check(::statx(fd, "", AT_EMPTY_PATH, 0, &told), "statx");
  return static_cast<std::uint32_t>(told.stx_attributes_mask) & (FS_IUNLINK_FL | FS_BARRIER_FL);
}

void make_barrier(int directory) {
  if ((known_cowlink_flags(directory) & FS_BARRIER_FL) == 0) return;
  try {
    change_inode_flags(directory, FS_BARRIER_FL, 0);
  } catch (const std::system_error& error) {
    if (!is_error(error, EPERM)) throw;
  }
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
  if (project_id(fd) == project) return;
  auto attributes = inode_attributes(fd);
  attributes.fsx_projid = project;
  set_inode_attributes(fd, attributes);
}

std::optional<std::uint32_t> inherited_project(int directory) {
  fsxattr attr{};
  if (::ioctl(directory, FS_IOC_FSGETXATTR, &attr) != 0 || (attr.fsx_xflags & FS_XFLAG_PROJINHERIT) == 0)
    return std::nullopt;
  return attr.fsx_projid;
}

bool end_project_inheritance(int directory) {
  if (!inherited_project(directory)) return false;
  auto attributes = inode_attributes(directory);
  attributes.fsx_xflags &= ~static_cast<std::uint32_t>(FS_XFLAG_PROJINHERIT);
  set_inode_attributes(directory, attributes);
  return true;
}

}  // namespace vunify
