// SPDX-License-Identifier: Apache-2.0
// The few microseconds in which an inode that guests share is bare. A nightly run is nice, and a guest that computes
// would hold it up there for milliseconds.
#pragma once

namespace vunify {

// As long as it lives, its thread leaves its processor to nobody of ordinary priority (sched(7), SCHED_FIFO); then the
// thread's own policy is back, its nice value with it. Where that may not be had (CAP_SYS_NICE, RLIMIT_RTPRIO) nothing
// changes. Made and destroyed by one thread, which makes no thread or process meanwhile.
class Urgent {
 public:
  Urgent();
  ~Urgent();
  Urgent(const Urgent&) = delete;
  Urgent& operator=(const Urgent&) = delete;

 private:
  int policy_;  // to be given back; -1: none was taken
};

}  // namespace vunify
