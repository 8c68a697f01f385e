// SPDX-License-Identifier: Apache-2.0
// Blocks of XFS that nobody uses: those of removed inodes it gives back in the background, some time after unlink(2)
// has returned, and no sync waits for it; behind the end of a file that grows it allocates as many ahead as the file
// has.
#pragma once

namespace vunify {

// Returns once that is done on the filesystem of fd. Does nothing elsewhere, or where it may not be asked for.
void wait_for_removals(int fd);

// Gives back what was allocated ahead for a file that is open for writing; not what fallocate(2) was asked for. Nobody
// else may write to the file meanwhile. Does nothing elsewhere, or where the kernel does not take it.
void drop_allocated_ahead(int fd);

}  // namespace vunify
