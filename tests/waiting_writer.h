// SPDX-License-Identifier: Apache-2.0
// Somebody who asks to write to a file that we hold a lease on, and waits for it: no child of ours, but anybody's in a
// guest.
#pragma once

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "sys/fd.h"
#include "sys/lease.h"
#include "sys/mount.h"
#include "tests/eventually.h"
#include "tests/scratch.h"

namespace vunify::test {

class WaitingWriter {
 public:
  // Appends "+" to the file, once it is let.
  WaitingWriter(const Scratch& dir, const std::string& path) : dir_(dir), inode_(inode_in_locks(dir / path)) {
    shell("{ printf + >> " + (dir / path) + "; touch " + (dir / "written") + "; } >/dev/null 2>&1 &");
  }

  bool waits() const {
    return eventually([this] { return is_in_locks(); });
  }
  // He has written, or was refused.
  bool is_done() const {
    return eventually([this] { return dir_.exists("written"); });
  }

 private:
  static std::string inode_in_locks(const std::string& path) {
    const Fd file = open_host(path, O_PATH);
    const auto dev = mount_of(file.get()).dev;
    char text[64];
    std::snprintf(text, sizeof text, "%02x:%02x:%ju", major(dev), minor(dev), std::uintmax_t{stat_fd(file.get()).ino});
    return text;
  }

  bool is_in_locks() const {
    const std::string path = "/proc/locks";
    const auto waiting = waiting_in(read_all(open_host(path, O_RDONLY).get(), path), ::getpid(), inode_);
    return waiting && !waiting->empty();
  }

  const Scratch& dir_;
  std::string inode_;
};

}  // namespace vunify::test
