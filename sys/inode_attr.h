// SPDX-License-Identifier: Apache-2.0
// Inode flags (chattr(1)) and the project id, by ioctl. A filesystem that has none answers 0 to reads and refuses sets.
#pragma once

#include <linux/fs.h>

#include <cstdint>
#include <optional>

#include "kernel-cow/cowlink.h"

namespace vunify {

// FS_IOC_GETFLAGS; 0 where the filesystem keeps no flags.
std::uint32_t inode_flags(int fd);
bool has_inode_flags(int fd);

// Of FS_IUNLINK_FL and FS_BARRIER_FL those that the kernel keeps on this filesystem: none without kernel-cow.
std::uint32_t known_cowlink_flags(int fd);

// A directory that no guest's process passes, and in which the kernel breaks no link. Nothing where there are no
// barriers, or we may set no flags.
void make_barrier(int directory);

// Sets and clears flags in one call (FS_IOC_SETFLAGS); the others stay as they are. Returns all it has then.
std::uint32_t change_inode_flags(int fd, std::uint32_t set, std::uint32_t clear);

// The same as the calls have them, whole.
void set_inode_flags(int fd, std::uint32_t flags);
fsxattr inode_attributes(int fd);  // FS_IOC_FSGETXATTR
void set_inode_attributes(int fd, const fsxattr& attributes);

// Project id of quotas (FS_IOC_FSGETXATTR); 0 where there is none.
std::uint32_t project_id(int fd);
void set_project_id(int fd, std::uint32_t project);  // nothing where it has that one
// Of a directory that passes its own on to what is made in it, and takes no name of an inode that has another
// (FS_XFLAG_PROJINHERIT); nothing where it does not.
std::optional<std::uint32_t> inherited_project(int directory);
bool end_project_inheritance(int directory);  // false where it did not

// What the owner may set and a copy must carry; FS_EXTENT_FL and the like only say how the filesystem stores it.
inline constexpr std::uint32_t metadata_flags = FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_SYNC_FL | FS_NODUMP_FL |
                                                FS_NOATIME_FL | FS_NOCOMP_FL | FS_JOURNAL_DATA_FL | FS_NOTAIL_FL |
                                                FS_VERITY_FL | FS_NOCOW_FL | FS_DAX_FL | FS_CASEFOLD_FL;
// What says "leave this file alone": it carries a decision of its owner that sharing would break.
inline constexpr std::uint32_t owner_flags = FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NOCOW_FL | FS_IUNLINK_FL;

// What is stored in a way that costs or loses something when it is shared: inside the inode, from where a mark pushes
// it out into a block of its own; with a Merkle tree (fs-verity), which a copy does not have, nor its salt and
// signature; or encrypted (fscrypt), of which a copy in staging would be plain.
inline constexpr std::uint32_t unshareable_flags = FS_INLINE_DATA_FL | FS_VERITY_FL | FS_ENCRYPT_FL;

}  // namespace vunify
