// SPDX-License-Identifier: Apache-2.0
// What a sync of a filesystem made durable, told by ctimes: whatever writes to a file moves its ctime, a store to a
// mapped page when the page is dirtied (mm/memory.c, do_page_mkwrite), and it is clean again only once it was written
// out. So a file whose ctime lies before the sync began has been on disk since the sync ended.
#pragma once

#include "sys/inode.h"

namespace vunify {

// The wall clock, which stamps inodes, and one that nobody can set.
struct Clocks {
  Timestamp wall;
  Timestamp boot;
};
Clocks read_clocks();

class SyncPoint {
 public:
  SyncPoint() = default;  // covers nothing
  // What the clocks said before the sync began, which has ended.
  explicit SyncPoint(const Clocks& began) : began_(began) {}

  // False also where the clock was set back meanwhile (by more than slewing does): then a ctime tells nothing.
  bool covers(Timestamp ctime, const Clocks& now) const;

 private:
  Clocks began_;
};

}  // namespace vunify
