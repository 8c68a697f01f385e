// SPDX-License-Identifier: Apache-2.0
#include "fuse/node_lock.h"

#include "fuse/workers.h"

namespace vunify {

NodeLock::NodeLock(Nodes& nodes, NodeId id) : nodes_(nodes), id_(id), had_to_wait_(!nodes.try_lock(id)) {
  if (!had_to_wait_) return;
  const Workers::Away away;
  nodes_.lock(id_);
}

}  // namespace vunify
