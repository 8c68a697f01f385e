// SPDX-License-Identifier: Apache-2.0
// Opens, breaks and removals of a node's name come one after another; all else goes on. Who waits for another is away
// (fuse/workers): a large file may be copied meanwhile.
#pragma once

#include "fuse/nodes.h"

namespace vunify {

class NodeLock {
 public:
  // Throws std::system_error, ESTALE, where the kernel does not know the node any more.
  NodeLock(Nodes& nodes, NodeId id);
  ~NodeLock() { nodes_.unlock(id_); }
  NodeLock(const NodeLock&) = delete;

  bool had_to_wait() const { return had_to_wait_; }

 private:
  Nodes& nodes_;
  NodeId id_;
  bool had_to_wait_;
};

// The same of a node that nobody has, by who waits for nobody.
class NodeClaim {
 public:
  // Throws as NodeLock.
  NodeClaim(Nodes& nodes, NodeId id) : nodes_(nodes), id_(nodes.try_lock(id) ? id : 0) {}
  ~NodeClaim() {
    if (id_ != 0) nodes_.unlock(id_);
  }
  NodeClaim(const NodeClaim&) = delete;

  explicit operator bool() const { return id_ != 0; }

 private:
  Nodes& nodes_;
  NodeId id_;
};

}  // namespace vunify
