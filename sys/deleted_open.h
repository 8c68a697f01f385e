// SPDX-License-Identifier: Apache-2.0
// Files that no name leads to any more and a process still has open: they take their place until the last one closes
// them. Told without asking whatever a guest may have mounted, which may never answer (AT_STATX_DONT_SYNC).
#pragma once

#include <vector>

#include "sys/inode.h"

namespace vunify {

// Of all processes that /proc shows, stopped ones too; each inode once. What is only mapped is not told.
std::vector<Inode> deleted_open_files();

}  // namespace vunify
