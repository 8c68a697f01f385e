// SPDX-License-Identifier: Apache-2.0
// A guest that makes the table of locks (/proc/locks) longer than anybody wants to read: byte-range locks, which no
// privilege is needed for. Whatever was locked before is behind them: the kernel lists the processors' locks one after
// the other, each one's youngest first.
#pragma once

#include <fcntl.h>
#include <sched.h>

#include <string>
#include <vector>

#include "sys/fd.h"

namespace vunify::test {

class OnFirstProcessor {
 public:
  OnFirstProcessor() {
    check(::sched_getaffinity(0, sizeof before_, &before_), "sched_getaffinity");
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    check(::sched_setaffinity(0, sizeof first, &first), "sched_setaffinity");
  }
  ~OnFirstProcessor() { ::sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_;
};

class ManyLocks {
 public:
  // 30,000 of them, in files of which the names begin with path.
  explicit ManyLocks(const std::string& path) {
    const OnFirstProcessor first;
    for (int file = 0; file < 15; ++file) {
      files_.push_back(open_host(path + std::to_string(file), O_RDWR | O_CREAT));
      for (int n = 2000; n > 0; --n)
        lock_byte(files_.back().get(), 2 * n);  // the kernel finds the place of a first one at once
    }
  }

 private:
  static void lock_byte(int fd, int at) {
    struct flock byte {};
    byte.l_type = F_RDLCK;
    byte.l_start = at;
    byte.l_len = 1;
    check(::fcntl(fd, F_OFD_SETLK, &byte), "F_OFD_SETLK");
  }

  std::vector<Fd> files_;
};

}  // namespace vunify::test
