// SPDX-License-Identifier: Apache-2.0
// A scanner (fanotify, FAN_OPEN_PERM) holds every open of a file but ours: who wants to write is counted as a writer by
// then, and has not come to the lease.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include <string>

#include "sys/fd.h"
#include "tests/scratch.h"

namespace vunify::test {

class Scanner {
 public:
  explicit Scanner(const std::string& path)
      : events_(::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY)), path_(path) {
    if (events_ && ::fanotify_mark(events_.get(), FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, path.c_str()) != 0)
      events_ = {};
  }

  bool works() const { return static_cast<bool>(events_); }
  // A shell writes to the file; returns once the scanner has been asked.
  void hold_a_writer() {
    shell("printf + >> " + path_ + " 2>/dev/null &");  // no child of ours: somebody's in a guest
    ASSERT_EQ(::read(events_.get(), &event_, sizeof event_), static_cast<ssize_t>(sizeof event_));
  }
  void let_go() {
    const fanotify_response yes{event_.fd, FAN_ALLOW};
    ASSERT_EQ(::write(events_.get(), &yes, sizeof yes), static_cast<ssize_t>(sizeof yes));
    ::close(event_.fd);
    events_ = {};  // and nobody is asked any more
  }

 private:
  Fd events_;
  std::string path_;
  fanotify_event_metadata event_{};
};

}  // namespace vunify::test
