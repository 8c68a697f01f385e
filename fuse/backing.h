// SPDX-License-Identifier: Apache-2.0
// Which files the kernel may read and write by itself. A node's inode is registered at its first open and stays so: the
// kernel refuses a second number for an inode that is open (EIO), and each costs two system calls. Past a limit those
// that nobody has open are forgotten, the oldest first.
//
// A shared inode is registered through a read-only mount: whatever mistake may be in here, no write reaches it. All are
// registered in nobody's name: what the kernel writes then has no share in root's reserve, and clears setuid, setgid
// and capabilities as an unprivileged write does.
#pragma once

#include <deque>
#include <mutex>

#include "fuse/addresses.h"

namespace vunify {

class Backing {
 public:
  // device: of the session; on_read_only: a directory of the same filesystem on a read-only mount.
  Backing(Nodes& nodes, int device, int on_read_only, std::size_t most);

  // The number of a node that is locked (NodeLock); registers file, open or held, where there is none. 0 where the
  // kernel does not take it: then we serve its data ourselves.
  int number_of(NodeId id, int file, Owner owner);
  // Where there is one already, without a file.
  int number_of(NodeId id) const { return nodes_.at(id).backing; }
  void forget(int number);
  // What a process that was killed registered: of its nodes, or of nobody any more. file: any regular one.
  void take_up(int file);

  // Those that the kernel knows now; each is looked at.
  std::size_t count() const;

 private:
  Fd on_read_only(int file) const;
  void make_room();

  Nodes& nodes_;
  int device_;
  int on_read_only_;
  std::size_t most_;
  mutable std::mutex mutex_;
  struct Registered {
    NodeId id;
    int number;
  };
  std::deque<Registered> registered_;  // the oldest in front; some are forgotten meanwhile
};

}  // namespace vunify
