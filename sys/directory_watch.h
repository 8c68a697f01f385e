// SPDX-License-Identifier: Apache-2.0
// Who else changes the names of a directory, or its times, meanwhile (inotify(7)). The kernel queues an event while it
// still holds the lock that every change of the directory takes: whatever came before a change of ours is told after
// it, though it was made in the same tick of the clock.
#pragma once

#include <cstddef>
#include <deque>
#include <string_view>

#include "sys/fd.h"

namespace vunify {

// One a thread, asked of one directory at a time. The directories asked of last stay watched: to begin with one, the
// kernel goes through all that it knows of its names.
class DirectoryWatch {
 public:
  static DirectoryWatch& of_this_thread();

  // From here on, and of this directory (O_PATH will do) only. False where the kernel has no watch left for us: each
  // user may have so many of them (fs.inotify), and root of a guest without a user namespace is the same user.
  bool begin(int dir);

  // What has happened since it was last asked, or begun. True where that is leaf going away and coming back, once.
  bool saw_one_exchange(std::string_view leaf);
  // True where no name came, went or was replaced; the directory's own times may have been set.
  bool saw_no_change();

 private:
  DirectoryWatch();
  template <typename See>
  bool for_each_event(const See& see);

  int watch(int dir);
  void keep(int watch);
  void forget(std::size_t left);

  Fd events_;  // none where the kernel refused it
  int watch_ = -1;
  std::deque<int> kept_;  // the oldest first
};

}  // namespace vunify
