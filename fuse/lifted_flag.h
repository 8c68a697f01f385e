// SPDX-License-Identifier: Apache-2.0
// A shared inode whose protection is lifted for a moment, in which one of its names is moved or removed. Staging notes
// it first: where the daemon is killed meanwhile the next mount protects it again.
#pragma once

#include <deque>
#include <span>
#include <string>

#include "change/protection.h"
#include "fuse/break_staging.h"

namespace vunify {

class LiftedFlag {
 public:
  // Only where it is protected by a flag that keeps its names, too. fd stays the caller's.
  LiftedFlag(const BreakStaging& staging, int fd);
  // Others have it still: it is protected again. What has no name any more is nobody's.
  ~LiftedFlag();
  LiftedFlag(const LiftedFlag&) = delete;

 private:
  const BreakStaging& staging_;
  int fd_;
  Protection protection_;
  std::string note_;  // its name in staging; empty: none
};

// Does it with these shared inodes unprotected; again where another guest's daemon, which lifted the flag of one, set
// it in between.
template <typename Work>
void with_flags_lifted(const BreakStaging& staging, std::span<const Fd> files, const Work& work) {
  constexpr int most_tries = 100;  // each lost to one who breaks the same inode's link
  for (int tries = 1;; ++tries) {
    std::deque<LiftedFlag> lifted;
    for (const auto& file : files) lifted.emplace_back(staging, file.get());
    try {
      return work();
    } catch (const std::system_error& error) {
      if (!is_error(error, EPERM) || tries == most_tries) throw;
    }
  }
}

}  // namespace vunify
