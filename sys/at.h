// SPDX-License-Identifier: Apache-2.0
// One name in an open directory, and the calls that take (directory, name): no path of more than one component is
// resolved, and no symlink is followed. An empty name means the inode that the descriptor itself holds; O_PATH will do.
// All throw std::system_error, and then nothing was changed.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>

#include "sys/fd.h"

namespace vunify {

struct At {
  int dir = -1;
  const char* leaf = "";
};

// Nothing where there is no such name.
std::optional<struct stat> find_at(At at);
struct stat stat_at(At at);
Fd open_at(At at, int flags, mode_t mode = 0);
// Holds the inode (O_PATH).
Fd hold_at(At at);
// Nothing where it is no symlink; whatever is mounted there is not asked.
std::optional<std::string> find_link_at(At at);
std::string read_link_at(At at);

void make_directory_at(At at, mode_t mode);
void make_node_at(At at, mode_t mode, dev_t device);
void make_symlink_at(const char* target, At at);
void link_at(At from, At to);
void remove_at(At at);
void remove_directory_at(At at);
void rename_at(At from, At to, unsigned flags);  // renameat2(2)

// -1: stays as it is.
void set_owner_at(At at, uid_t uid, gid_t gid);
void set_mode_at(At at, mode_t mode);
void set_times_at(At at, const timespec times[2]);  // utimensat(2): UTIME_NOW and UTIME_OMIT mean what they do there
void set_size_at(At at, off_t size);

}  // namespace vunify
