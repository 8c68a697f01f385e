// SPDX-License-Identifier: Apache-2.0
// A guest's tag: the project id that its own files carry where the filesystem keeps one (ext4 -O project, XFS), which
// is its xid. What guests share has none, 0: it is nobody's.
#pragma once

#include <cstdint>

#include "guest/guest_name.h"

namespace vunify {

// Of the guest whose root this is, open to be read: what its root directory carries; 0: its files are not tagged. A
// guest's root outside a user namespace can set it, as it can set that of each of its files.
std::uint32_t tag_of(int root);

// What a copy has to carry that is to have this name: a directory that passes its project id on takes no other
// (ext4_rename(), xfs_rename(): EXDEV); elsewhere, and where the directory is gone, the guest's tag.
std::uint32_t tag_of(const GuestName& name);

// Whether an inode of this name may become nobody's: it carries its guest's tag or none, and its directory takes it.
bool may_be_nobodys(int fd, const GuestName& name);

}  // namespace vunify
