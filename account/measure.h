// SPDX-License-Identifier: Apache-2.0
// What each holder uses of a filesystem now: one parallel walk over all of them, a statx a name, and where data can be
// shared one look at the extents: on XFS of each file that has any, on btrfs of each directory's. No file's bytes are
// read.
//
// Memory: nothing is kept of an inode with one name. One with several takes up to 48 bytes a name; a file that shares
// extents, or on btrfs has any, about 100, and as many for each of its pieces (account/sweep.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "account/contents.h"
#include "account/holders.h"
#include "account/parts.h"
#include "account/usage.h"
#include "survey/counters.h"
#include "sys/stop.h"

namespace vunify {

// What a name of a holder belongs to: a directory, a package, a user. path: from his root. Called from many threads.
using PartName = std::function<std::string(std::size_t holder, std::string_view path, const Inode& inode)>;

struct MeasureRules {
  PartName part{};           // empty: holders are not divided
  std::size_t contents = 0;  // so many of what is shared are told of, those first that save most
  HeldInode asked{};         // this one is told of, where it has several names or shares extents
  std::uint64_t files = 0;   // as many are expected; 0: nobody knows
  bool apparent = false;     // how long files are, not what they take on disk: then no extent is looked at
};

struct Unread {
  std::size_t holder = 0;
  std::string path;
  std::string reason;
};

struct Measured {
  std::vector<Usage> holders;       // in the order of HeldFilesystem::holders; together they hold what lies there
  std::vector<PartUsage> parts;     // of a holder together what he uses; by holder and name
  std::vector<Content> contents;    // largest saving first
  std::vector<Content> asked;       // its pieces, each with other holders than the rest
  std::vector<std::uint64_t> devs;  // st_dev, of all its subvolumes
  std::vector<Unread> failed;       // what lies there is not in the sums
};

// In the caller's tbb::task_arena. Ends early where we are to stop: then the sums say nothing.
Measured measure(const HeldFilesystem& held, const MeasureRules& rules, const Stop& stop, Counters& counters);

}  // namespace vunify
