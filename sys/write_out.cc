// SPDX-License-Identifier: Apache-2.0
#include "sys/write_out.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <filesystem>
#include <system_error>

#include "sys/fd.h"

namespace vunify {
namespace {

bool has_barriers(const Mount& mount) {
  return !mount.super_options.empty() && mount.super_options.find("nobarrier") == std::string::npos;
}

// A journal in the filesystem is known as /proc/fs/jbd2/DEVICE-INODE, one on a device of its own as that device
// (fs/jbd2/journal.c, jbd2_journal_init_inode()); it is inode 8 (EXT4_JOURNAL_INO).
bool has_journal(std::uint64_t dev) {
  const auto link = "/sys/dev/block/" + std::to_string(major(dev)) + ":" + std::to_string(minor(dev));
  std::error_code error;
  const auto device = std::filesystem::read_symlink(link, error).filename().string();
  return !error && std::filesystem::exists("/proc/fs/jbd2/" + device + "-8", error);
}

bool has_realtime_device(const Mount& mount) { return mount.super_options.find("rtdev=") != std::string::npos; }

}  // namespace

bool commits_in_order(const Mount& mount) {
  if (mount.type == "ext4") return has_barriers(mount) && has_journal(mount.dev);
  return mount.type == "xfs" && !mount.super_options.empty() && !has_realtime_device(mount);
}

void write_out(int fd, std::string_view path) {
  constexpr unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  check(::sync_file_range(fd, 0, 0, all), "sync_file_range", path);
}

void begin_write_out(int fd) { check(::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE), "sync_file_range"); }

}  // namespace vunify
