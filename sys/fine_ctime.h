// SPDX-License-Identifier: Apache-2.0
// Does ctime tell every two changes of an inode apart? Since Linux 6.13 it does, where the filesystem asks for it: the
// change after one whose ctime was looked at (statx(2)) is given a later one, however short the time between them
// (Documentation/filesystems/multigrain-ts.rst). Before, all that happens within one tick (1 to 10 ms) has the same.
#pragma once

namespace vunify {

// Found out by doing, on a file without a name in this directory. False where none can be made.
bool has_fine_ctime(int dir);

}  // namespace vunify
