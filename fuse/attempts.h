// SPDX-License-Identifier: Apache-2.0
// What cannot be done twice is noted in the request's slot (fuse/requests) before it is done. Nobody but vcow changes a
// guest's names, and the guest's kernel holds the directory until it has its answer: so a worker that takes another's
// place sees by the names whether it was done, finishes what belongs to it, and only answers when it is asked again.
#pragma once

#include <string_view>

#include "fuse/nodes.h"
#include "fuse/requests.h"

namespace vunify {

struct Served;

// This thread's request came to an earlier worker, too.
bool was_asked_before();
// It was carried out by an earlier worker: what is left is the answer.
bool was_done();
// An earlier worker may have carried it out: it had begun to.
bool was_attempted(Attempted what);

// From before something is done until done(); without that it failed, and nothing has changed.
class Attempting {
 public:
  explicit Attempting(const AttemptNote& attempt);
  ~Attempting();
  Attempting(const Attempting&) = delete;

  void done();

 private:
  Slot* slot_;
};

// With the names that it is about. `attempt` says the rest.
AttemptNote attempt_at(Attempted what, NodeId parent, std::string_view name);
AttemptNote attempt_at(Attempted what, NodeId parent, std::string_view name, NodeId to_parent,
                       std::string_view to_name);
// The node of the name, and of what the second one leads to; 0 for none.
void note_node(AttemptNote& attempt, const Nodes& nodes, NodeId id);
void note_other(AttemptNote& attempt, const Nodes& nodes, NodeId id);

// What an earlier worker attempted: finishes it where it was done, else it was not.
void settle(Served& served, AttemptNote& attempt);

}  // namespace vunify
