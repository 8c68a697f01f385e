// SPDX-License-Identifier: Apache-2.0
// Blocks of XFS that nobody uses: those of removed inodes it gives back in the background, some time after unlink(2)
// has returned, and no sync waits for it; behind the end of a file that grows it allocates as many ahead as the file
// has; and as many at a time as a file's owner asked for.
#pragma once

#include <cstdint>

namespace vunify {

// Returns once that is done on the filesystem of fd. Does nothing elsewhere, or where it may not be asked for.
void wait_for_removals(int fd);

// Gives back what was allocated ahead for a file that is open for writing; not what fallocate(2) was asked for. Nobody
// else may write to the file meanwhile. Does nothing elsewhere, or where the kernel does not take it.
void drop_allocated_ahead(int fd);

// What the filesystem allocates at a time for an open file, at least, and aligned to that: more than a block where its
// owner asked for it (extent size hints). One block where the filesystem does not say.
std::uint64_t allocation_unit(int fd);

}  // namespace vunify
