// SPDX-License-Identifier: Apache-2.0
// What keeps a guest from changing an inode is put back after it was lifted; what a guest changed of its metadata
// meanwhile is given back, for nobody can tell through whose name it was set.
#pragma once

#include "change/metadata.h"
#include "change/protection.h"

namespace vunify {

struct Protected {
  bool as_proven = false;  // its metadata was what it should be; else it was given back, or there was no room to (full
                           // disk, quota), or it is its own guest's to change still
  Inode seen{};            // since it is protected
};

// Throws where it cannot be protected or looked at; else it is protected in any case.
Protected protect_again(int fd, Protection protection, const InodeMetadata& metadata, Timestamp mtime);

// For one that guests share already and that was bare for a moment, whatever protects it. Where somebody is about to
// write to it, it is immutable in place of iunlink: turn him away.
Protected protect_shared_again(int fd, Protection protection, const InodeMetadata& metadata, Timestamp mtime);

}  // namespace vunify
