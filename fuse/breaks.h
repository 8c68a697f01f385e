// SPDX-License-Identifier: Apache-2.0
// Who breaks links, and of which files: by what the caller calls himself, and by the path. Both are the guest's words,
// and are kept in so much memory as we choose; how many breaks there were, and of how many bytes, is exact and lasts in
// the daemon's record (guest/mounted).
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "fuse/heaviest.h"
#include "fuse/nodes.h"
#include "guest/mounted.h"
#include "sys/process_name.h"

namespace vunify {

inline constexpr std::size_t most_breakers = 20;        // that are told of
inline constexpr std::size_t most_path_bytes = 512;     // of a longer path the end is kept, after "..."
inline constexpr std::size_t breakers_in_memory = 128;  // programs, and as many paths: 80 KiB at the most

struct BreaksTold {
  std::vector<Heavy> by_program, by_path;  // the heaviest first
  std::string last_program, last_path;     // empty: none yet
};

// All functions may be called by many threads.
class Breaks {
 public:
  // Made before the sandbox is entered. Throws std::system_error.
  Breaks(MountRecord& record, const Nodes& nodes) : record_(record), nodes_(nodes) {}
  Breaks(const Breaks&) = delete;

  // process: of the caller, 0 where nobody knows; node: what the name that was broken leads to now. A break that cannot
  // be counted is a break all the same.
  void count(int process, NodeId node, std::uint64_t copied_bytes) noexcept;

  BreaksTold told() const;

 private:
  MountRecord& record_;
  const Nodes& nodes_;
  ProcessNames names_;
  mutable std::mutex mutex_;
  Heaviest programs_{breakers_in_memory}, paths_{breakers_in_memory};
  std::string last_program_, last_path_;
};

// Where a node is in the guest: "/etc/passwd"; what is nameless by now is "?", and so is a directory on the way.
std::string path_of(const Nodes& nodes, NodeId id);

}  // namespace vunify
