// SPDX-License-Identifier: Apache-2.0
// What each holder uses of a filesystem now: one parallel walk over all of them, a statx a name, and where data can be
// shared one look at the extents of each file that has any. No file's bytes are read.
//
// Memory: nothing is kept of an inode with one name. One with several takes up to 48 bytes a name; a file that shares
// extents about 100, and as many for each of its pieces (account/sweep.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "account/holders.h"
#include "account/usage.h"
#include "survey/counters.h"
#include "sys/stop.h"

namespace vunify {

// What a name of a holder belongs to: a directory, a package. path: from his root. Called from many threads.
using PartName = std::function<std::string(std::size_t holder, std::string_view path, bool is_directory)>;

// One inode, as its holder has it.
struct HeldInode {
  std::uint64_t dev = 0;  // st_dev: for this run only
  std::uint64_t ino = 0;
  bool operator==(const HeldInode&) const = default;
};

struct MeasureRules {
  PartName part{};           // empty: holders are not divided
  std::size_t contents = 0;  // so many of what is shared are told of, those first that save most
  HeldInode asked{};         // this one is told of, whatever it is
};

// What several have, or was asked for.
struct Content {
  HeldInode inode;                     // of extents: the first that has them
  std::uint64_t bytes = 0;             // once
  std::vector<std::uint32_t> holders;  // indices
};

struct PartUsage {
  std::size_t holder = 0;
  std::string name;
  Usage usage;
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
  std::uint64_t files = 0;          // names that were looked at, of every kind
};

// In the caller's tbb::task_arena. Ends early where we are to stop: then the sums say nothing.
Measured measure(const HeldFilesystem& held, const MeasureRules& rules, const Stop& stop, Counters& counters);

}  // namespace vunify
