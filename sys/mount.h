// SPDX-License-Identifier: Apache-2.0
// The mount tables, /proc/PID/mountinfo (proc(5)), read once per question; and where ours is silent, statmount(2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vunify {

struct Mount {
  std::uint64_t id = 0;
  std::uint64_t dev = 0;  // the superblock's: on btrfs it differs from st_dev, and is what /proc/locks names
  std::string root;       // which directory of the filesystem is mounted
  std::string point;      // and where; empty where that is outside this process's root (chroot(2))
  std::string type;
  std::string source;         // the device, on filesystems that have one
  std::string super_options;  // "rw,..."; empty where they are not told
  std::uint64_t parent = 0;   // id of the mount that it is on; 0 where statmount(2) told it
};

// As a process sees them, by its number in digits.
std::vector<Mount> read_mounts(const std::string& process = "self");

// The tables of all other mount namespaces that a process lives in (mount_namespaces(7)), one each, as that process
// sees them. A namespace that only a file or a descriptor holds is not found.
std::vector<std::vector<Mount>> read_other_mounts();

// Where a path of a mount table leads, told by the table alone: no file is touched, symlinks are not followed.
struct Located {
  std::uint64_t dev = 0;  // Mount::dev
  std::string path;       // within that filesystem
};
std::optional<Located> locate(const std::vector<Mount>& mounts, const std::string& path);

// A path as the kernel's tables have it, where space, tab, newline and backslash are \\ooo.
std::string unescape_path(std::string_view text);

// The mount that fd lies on. Nothing where neither the table nor statmount(2) tells it: in a chroot whose root is no
// mount point, before Linux 6.8 or without CAP_SYS_ADMIN. Guessing is no way out: locks, link limits, and which
// directory lies inside which all hang on it.
std::optional<Mount> find_mount(const std::vector<Mount>& mounts, int fd);
// The same, asked of the table of now. Throws ENODATA where it is not told.
Mount mount_of(int fd);

// statx(2) STATX_MNT_ID: names are linked and exchanged only within one mount.
std::uint64_t mount_id(int fd);

// The directories that overlay mounts are made of: lowerdir, upperdir and workdir options, unescaped.
std::vector<std::string> overlay_layers(const std::vector<Mount>& mounts);

}  // namespace vunify
