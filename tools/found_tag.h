// SPDX-License-Identifier: Apache-2.0
// Whose an inode is, by what it carries itself: the project id (guest/tag.h), or the mark of what guests share.
#pragma once

#include <cstdint>

#include "tools/tree.h"

namespace vunify {

// By a mark of either kind; only root may read it.
bool is_shared(const Found& found);
// 0 where it carries none, and where that is not told: of what is no file or directory, before Linux 6.17.
std::uint32_t tag_of(const Found& found);
// A directory does not pass its own on any more. False where only Linux 6.17 can; throws EOPNOTSUPP, ENOTTY and EINVAL
// where the filesystem keeps none.
bool set_tag(const Found& found, std::uint32_t xid);

}  // namespace vunify
