// SPDX-License-Identifier: Apache-2.0
// A directory no path leaves. Every name of a guest is opened through its RootDir: openat2(2) with RESOLVE_BENEATH |
// RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS, so a component the guest swaps for a symlink, or a
// mount, is an error and never a way out.
//
// Files are read by the thousand, and a device that a guest puts in the place of one must never be woken. To look
// before opening takes four calls more a file; a *view* takes none: a mount of its own of the same directory, seen by
// nobody else, on which the kernel opens no device.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sys/fd.h"
#include "sys/handle.h"

namespace vunify {

// Paths are relative to the root and begin without a slash; "" is the root itself. They may be longer than PATH_MAX.
class RootDir {
 public:
  explicit RootDir(const std::string& host_path);
  // One that is open already, O_PATH will do where nothing but names is asked of it.
  RootDir(std::string host_path, Fd open) : host_path_(std::move(host_path)), fd_(std::move(open)) {}

  int fd() const { return fd_.get(); }
  const std::string& host_path() const { return host_path_; }

  // Opens path beneath the root with open(2)'s flags. Throws ELOOP where a component is a symlink, EXDEV at a mount.
  Fd open(std::string_view path, int flags) const;
  Fd open_directory(std::string_view path) const;
  // Opens path as a process inside the root would find it: symlinks are followed, and neither an absolute one nor ".."
  // leads out (RESOLVE_IN_ROOT). For what a guest may have moved about, never for what will be changed:
  // open_regular()'s care is the caller's (O_PATH, then reopen_regular()). Shorter than PATH_MAX. Throws EXDEV at a
  // mount.
  Fd open_in_root(std::string_view path, int flags) const;
  // Opens a regular file for reading without following, blocking, touching atime, or waking a device that was put in
  // its place: the inode is looked at before it is opened. Throws EINVAL where it is not a regular file.
  Fd open_regular(std::string_view path) const;
  // The same where the name leads to this inode; nothing where it leads to another, which is not opened, so that a
  // guest who put one there that he leases keeps nobody waiting.
  std::optional<Fd> open_inode(std::string_view path, std::uint64_t ino, OnLease on_lease = OnLease::fail) const;

  // Makes the view that open_to_read() goes through. Nothing is made, and nothing is lost but time, where the kernel or
  // our capabilities do not allow it, or where prepare_link() could not link what was opened through it.
  void make_view();
  bool has_view() const { return static_cast<bool>(view_); }
  // The same as open_regular() for one who checks: what is opened may be a directory, or a FIFO (without waiting for
  // its writer; a lease on either is refused, EINVAL), so whoever calls has to ask stat_fd() for is_regular(). With a
  // view, the descriptor is on a mount that is not in the mount table: mount_of() does not find it, and linkat(2) needs
  // hold_on_mount_of() (sys/handle.h).
  Fd open_to_read(std::string_view path) const;

 private:
  std::string host_path_;
  Fd fd_;
  Fd view_;
};

// The directory part and the last component of a path: {"", "etc"} for "etc".
struct SplitPath {
  std::string_view parent;
  std::string_view leaf;
};
SplitPath split_path(std::string_view path);
std::string join_path(std::string_view parent, std::string_view leaf);

// A name: a directory held open, and one component in it.
struct Name {
  Fd dir;
  std::string leaf;
};
Name open_name(const RootDir& root, std::string_view path);

// Opens again, for reading, the inode that an O_PATH descriptor holds; EINVAL where it is not a regular file.
Fd reopen_regular(int path_fd, std::string_view path, OnLease on_lease = OnLease::fail);

}  // namespace vunify
