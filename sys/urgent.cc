// SPDX-License-Identifier: Apache-2.0
#include "sys/urgent.h"

#include <sched.h>

namespace vunify {
namespace {

bool is_of_ordinary_priority(int policy) {
  policy &= ~SCHED_RESET_ON_FORK;
  return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE;
}

}  // namespace

Urgent::Urgent() : policy_(::sched_getscheduler(0)) {
  const sched_param least{.sched_priority = 1};
  if (!is_of_ordinary_priority(policy_) || ::sched_setscheduler(0, SCHED_FIFO, &least) != 0) policy_ = -1;
}

Urgent::~Urgent() {
  const sched_param none{};
  if (policy_ != -1) ::sched_setscheduler(0, policy_, &none);
}

}  // namespace vunify
