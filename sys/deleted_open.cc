// SPDX-License-Identifier: Apache-2.0
#include "sys/deleted_open.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <map>
#include <string>
#include <utility>

#include "sys/directory.h"
#include "sys/fd.h"
#include "sys/processes.h"

namespace vunify {
namespace {

// The kernel adds it to the last name that the file had.
bool is_deleted(int dir, const std::string& leaf) {
  char target[4096];
  const auto size = ::readlinkat(dir, leaf.c_str(), target, sizeof target);
  return size > 0 && std::string_view(target, static_cast<std::size_t>(size)).ends_with(" (deleted)");
}

// What the kernel knows of it by itself.
bool glance_at(int dir, const std::string& leaf, struct statx& st) {
  constexpr unsigned wanted = STATX_TYPE | STATX_NLINK | STATX_INO | STATX_BLOCKS | STATX_SIZE;
  return ::statx(dir, leaf.c_str(), AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, wanted, &st) == 0;
}

}  // namespace

std::vector<Inode> deleted_open_files() {
  std::map<std::pair<std::uint64_t, std::uint64_t>, Inode> found;
  for_each_process([&](const std::string& process) {
    const Fd dir = open_host("/proc/" + process + "/fd", O_RDONLY | O_DIRECTORY);
    for (const auto& leaf : list_names(dir.get())) {
      struct statx st {};
      if (!is_deleted(dir.get(), leaf) || !glance_at(dir.get(), leaf, st) || st.stx_nlink != 0) continue;
      Inode inode;
      inode.dev = makedev(st.stx_dev_major, st.stx_dev_minor);
      inode.ino = st.stx_ino;
      inode.blocks = st.stx_blocks;
      inode.mode = st.stx_mode;
      inode.stamp.size = st.stx_size;
      found.try_emplace({inode.dev, inode.ino}, inode);
    }
  });
  std::vector<Inode> files;
  for (const auto& [key, inode] : found) files.push_back(inode);
  return files;
}

}  // namespace vunify
