// SPDX-License-Identifier: Apache-2.0
// Which inode it is, what the kernel says of it, and whether it is unchanged since we looked.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace vunify {

struct Timestamp {
  std::int64_t sec = 0;
  std::uint32_t nsec = 0;
  auto operator<=>(const Timestamp&) const = default;
};

// Unchanged since we looked? Any write, chmod, link or rename moves ctime, and nobody can set it back without the
// clock.
struct Stamp {
  std::uint64_t size = 0;
  Timestamp mtime;
  Timestamp ctime;
  auto operator<=>(const Stamp&) const = default;
};

// Which filesystem: its UUID, and on btrfs the subvolume, whose inodes have numbers of their own. Never st_dev, which
// changes at reboot. Where a filesystem tells no UUID, statfs(2)'s f_fsid stands in its place.
struct FsId {
  std::uint64_t uuid_high = 0;
  std::uint64_t uuid_low = 0;
  std::uint64_t subvolume = 0;
  auto operator<=>(const FsId&) const = default;
};
FsId fs_id(int fd);
std::string to_string(const FsId& fs);  // 8-4-4-4-12, and "/subvolume" on btrfs

struct FileId {
  FsId fs;
  std::uint64_t ino = 0;
  auto operator<=>(const FileId&) const = default;
};

// One statx(2) answer.
struct Inode {
  std::uint64_t dev = 0;  // st_dev: for comparing within one run only
  std::uint64_t ino = 0;
  std::uint64_t blocks = 0;  // of 512 bytes
  Stamp stamp;
  Timestamp born;          // zero where the filesystem keeps no birth time
  std::uint32_t mode = 0;  // type and permissions
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t nlink = 0;
  bool immutable = false;
  bool append_only = false;
  std::uint64_t mount = 0;  // by which it was reached: mount_id() of sys/mount.h; zero before Linux 5.8

  bool is_regular() const;
  bool is_directory() const;
  bool is_symlink() const;
  std::uint64_t bytes_on_disk() const { return blocks * 512; }
};

Inode stat_fd(int fd);
// What leaf leads to now; no symlink is followed, no server waited for. None: no such name. EXDEV: a mount hides it.
std::optional<Inode> stat_name(int dir, const char* leaf);

// Sets the times of an open file or directory, O_PATH will do; an absent atime stays as it is.
void set_times(int fd, std::optional<Timestamp> atime, Timestamp mtime);
// Its mtime becomes the time of now.
void touch(int fd);
Timestamp access_time(int fd);

// chown(2), then chmod(2): owner first, because chown clears setuid and setgid.
void set_owner_and_mode(int fd, std::uint32_t uid, std::uint32_t gid, std::uint32_t mode);

// The wall clock, exact: filesystems stamp inodes with one that is a tick behind at most.
Timestamp clock_now();

}  // namespace vunify
