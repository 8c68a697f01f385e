// SPDX-License-Identifier: Apache-2.0
// How a worker takes the place of one that died: what that had begun is finished or was not done, before anything is
// served; and what the kernel asks again is answered by how far it had come.
#pragma once

#include "fuse/requests.h"

namespace vunify {

struct Served;

// Once, before the kernel is asked to send again what was not answered.
void finish_requests_left(Served& served);

// What this thread has just read into its slot: where another worker had begun it, what that counted for it is taken
// back, and what it has done is known from here on (fuse/attempts, was_done()).
void take_over(Served& served, Slot& slot);

}  // namespace vunify
