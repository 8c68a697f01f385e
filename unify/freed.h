// SPDX-License-Identifier: Apache-2.0
// What df shows once inodes are gone. Where files share data (reflink), a byte is free when the last of those that lie
// on it goes; how many these are the kernel does not tell, only that there are others.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "sys/inode.h"
#include "sys/mount.h"

namespace vunify {

// Where an inode lies.
struct OnDisk {
  std::uint64_t alone = 0;                          // bytes that go with it
  std::map<std::uint64_t, std::uint64_t> shared{};  // places that others lie on, too: from, to; apart from each other
};

// XFS and btrfs; elsewhere nobody has to be asked for places.
bool can_share_data(const Mount& mount);

// Of an open inode. What its filesystem keeps among its own metadata (small files on btrfs) counts as many bytes as it
// holds; what it does not tell the places of, as lying alone.
OnDisk on_disk(int fd, const Inode& seen, const Mount& mount);

// Of each of `gone` the bytes that are free when all of them are gone and `left` are not. A place that two of `gone`
// lie on and none of `left` is taken for theirs alone; one that a single one of them lies on, for others', too.
std::vector<std::uint64_t> freed_by(const std::vector<const OnDisk*>& gone, const std::vector<const OnDisk*>& left);

}  // namespace vunify
