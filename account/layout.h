// SPDX-License-Identifier: Apache-2.0
// What the data of one file takes, on filesystems that share data between inodes (reflink), and in which pieces of the
// disk it lies. Measured in shared/reference/account.md 2:
//
//     XFS      st_blocks counts what is set aside for copies on write: a file with shared extents takes their sum
//     btrfs    small files are metadata, and take nothing here; of compressed extents st_blocks tells what they hold
//
// That an extent is shared says that it is worth looking: it may be so within one file, or one guest.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sys/inode.h"
#include "sys/stored_extents.h"

namespace vunify {

// XFS shares blocks: of extent 0, which is the disk, the bytes that it takes. btrfs shares whole extents: of one that
// begins there, the bytes that are used of it, or what it takes where it is compressed.
struct Piece {
  std::uint64_t extent = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint32_t file = 0;  // a number that whoever asked has given it
};

struct FileLayout {
  std::uint64_t bytes = 0;
  bool is_shared = false;     // or may be
  std::vector<Piece> pieces;  // where it is
};

// inode: of the open file. What is not on disk yet is written first. Throws where the filesystem does not tell.
FileLayout layout_on_xfs(int fd, const Inode& inode);
// Whether anybody shares them is not asked: it would cost more than to hold all against each other.
FileLayout layout_on_btrfs(std::span<const ExtentPart> parts);

}  // namespace vunify
