// SPDX-License-Identifier: Apache-2.0
// XFS gives the blocks of removed inodes back in the background, some time after unlink(2) has returned, and no sync
// waits for it.
#pragma once

namespace vunify {

// Returns once that is done on the filesystem of fd. Does nothing elsewhere, or where it may not be asked for.
void wait_for_removals(int fd);

}  // namespace vunify
