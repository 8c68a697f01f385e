// SPDX-License-Identifier: Apache-2.0
// THE RULE: an inode that others may have is never written in place.
//
// Whose it is tells the mark on it, never its link count: the count falls to 1 when another guest removes its name, and
// then ours may be the one that is left, or theirs. What was shared once stays so for its node, marked or not. So
// before anything changes an inode its link is broken:
//
//     ask        the guest's allowance
//     copy       into a file without a name, in staging: contents (shared where the filesystem can; none where they are
//                to be truncated), owner, mode, attributes, times, and the guest's tag; written out, for what leads to
//                the copy may not be on disk before it
//     exchange   the guest's name is led to the copy in one step, and what came out is looked at
//     settle     nobody has it open: the node stands for the copy now. Somebody reads it: he keeps the old inode, and
//                the node is detached from the name
//
// Until the exchange nothing has changed that anybody sees; whatever fails before it, or in it, is the caller's error,
// and the copy is gone. After it the guest's name leads to the copy, whole. Killed in between we leave at most a name
// in staging, which tells what it is (fuse/break_staging).
#pragma once

#include <functional>

#include "fuse/addresses.h"
#include "fuse/allowance.h"
#include "fuse/backing.h"
#include "fuse/birthplace.h"
#include "fuse/break_staging.h"
#include "fuse/breaks.h"

namespace vunify {

// Whoever waits for it may give up: asked now and then.
using GivenUp = std::function<bool()>;

// Of the contents of an inode that is about to be changed.
enum class Keep { all, nothing };

class Cow {
 public:
  Cow(Nodes& nodes, Addresses& addresses, Backing& backing, Allowance& allowance, const BreakStaging& staging,
      Birthplace& births)
      : nodes_(nodes),
        addresses_(addresses),
        backing_(backing),
        allowance_(allowance),
        staging_(staging),
        births_(births) {}

  // Breaks are counted there from now on.
  void count_in(Breaks& breaks) { breaks_ = &breaks; }

  // Called for a locked node (NodeLock) before its inode is changed in any way. Returns the node whose inode may be
  // changed in place: this one; or, where others have it open, the one that its name leads to from now on. Throws
  // std::system_error, and then everything is as it was.
  NodeId before_write(NodeId id, Keep keep, const GivenUp& given_up);

  // Names that a process of ours which was killed led elsewhere, or let vunify do so; before anything is served.
  void take_up();

  // Whose inode a node stands for; looked up once. file: the inode, open for reading.
  Owner owner_of(NodeId id);
  Owner owner_of(NodeId id, int file);

 private:
  NodeId break_link(NodeId id, Keep keep, const GivenUp& given_up);
  Fd copy(int old, Keep keep, const GivenUp& given_up);
  void lead_name(NodeId id, const Fd& old, int copy);
  NodeId settle(NodeId id, int copy, Owner owner);
  void take_up(NodeId id);
  Growth cost_of(int old, int copy) const;

  Nodes& nodes_;
  Addresses& addresses_;
  Backing& backing_;
  Allowance& allowance_;
  const BreakStaging& staging_;
  Birthplace& births_;
  Breaks* breaks_ = nullptr;
};

}  // namespace vunify
