// SPDX-License-Identifier: Apache-2.0
// An inode found again whatever its names are by now, after a reboot too, and never another one that took its number
// (name_to_handle_at(2), open_by_handle_at(2)).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sys/fd.h"

namespace vunify {

// Bytes that may be kept on disk; empty where the filesystem has no handles.
std::string handle_of(int fd);

// Where somebody's write lease (fcntl(2), F_SETLEASE F_WRLCK) stands before an open for reading: it fails at once, with
// EWOULDBLOCK, or waits until the lease is given up. As long as somebody waits no other is granted, and the kernel
// takes it away after fs.lease-break-time seconds (45 unless the admin changed it).
enum class OnLease { fail, wait };

// What tells an inode from those that had its number before (FS_IOC_GETVERSION), without opening it: of a name that is
// no symbolic link. Nothing where it is gone, or its filesystem's handles have none (include/linux/exportfs.h:
// FILEID_INO32_GEN, as ext4 and tmpfs have it; fs/xfs/xfs_export.h).
std::optional<std::uint32_t> generation_at(int dir, const char* leaf);

// Opens it for reading. on_mount: any open file or directory of its filesystem. Nothing where the inode is gone.
std::optional<Fd> open_handle(int on_mount, const std::string& handle, OnLease on_lease = OnLease::fail);

// Holds (O_PATH) the inode that is open at fd on the mount that dir is on, whatever mount fd is on: names are linked
// within one mount only. Throws where the filesystem has no handles, or they may not be opened (CAP_DAC_READ_SEARCH).
Fd hold_on_mount_of(int dir, int fd);

}  // namespace vunify
