// SPDX-License-Identifier: Apache-2.0
// Whom umount(8) calls for a mount. By the magic number of statfs(2) one FUSE filesystem is to it like another, and it
// would look for /sbin/umount.fuse; only where its own notes, /run/mount/utab, have something on a mount, it reads the
// table of mounts, and finds /sbin/umount.fuse.NAME. These notes are mount(8)'s, which makes one of a mount that stands
// already (--fake). It takes them back when it unmounts.
#pragma once

#include <string>

namespace vunify {

// False where that did not work: umount(8) then says that what other mounts are on is busy. Waits for mount(8).
bool name_umount_helper(const std::string& type, const std::string& source, const std::string& point);

}  // namespace vunify
