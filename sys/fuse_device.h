// SPDX-License-Identifier: Apache-2.0
// The kernel's side of a FUSE filesystem: its device, its mount, and the files that it reads and writes by itself
// (passthrough, Linux 6.9; Documentation/filesystems/fuse-passthrough.rst).
#pragma once

#include <optional>
#include <string>

#include "sys/fd.h"

namespace vunify {

Fd open_fuse_device();

// Mounts what is served at the device onto an open directory. type: "fuse.NAME"; flags: mount(2)'s; options: beside
// those that every mount of ours has, "allow_other,default_permissions".
void mount_fuse(int device, const std::string& type, const std::string& source, const std::string& point,
                unsigned long flags, const std::string& options);

// Registers the inode that fd holds (O_PATH will do); returns its number, above 0, by which a reply to open hands it to
// the kernel. Reads and writes then have the rights and the account of this thread as it is now, and go through the
// mount that fd is on: a read-only one lets no write through, whatever the reply said. Throws EPERM where the kernel
// was not asked for passthrough, ELOOP on a filesystem that is stacked already.
int register_backing(int device, int fd);
void forget_backing(int device, int number);

// Has the kernel send again, before all else, what was read and not answered (Linux 6.9). What it would tell us of that
// it tells whoever reads next.
void resend_requests(int device) noexcept;

// False once nobody has it mounted any more.
bool is_connected(int device);

// Lazily, what is mounted on a point last; false where it is no mount point.
bool detach_mount(const std::string& point);

// Mounts of our own, in no mount table, of the filesystem as it is beneath an open directory: what is mounted on
// directories in it is not part of them, no device in them is woken, and nobody else sees what is mounted there later.
// flags: as clone_tree's.
enum class Access { read_only, read_write };
Fd clone_mount(int dir, Access access, unsigned long flags);

}  // namespace vunify
