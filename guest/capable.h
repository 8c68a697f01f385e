// SPDX-License-Identifier: Apache-2.0
// Guests that run now, and could take the immutable flag off what they share.
#pragma once

#include <string>
#include <vector>

#include "guest/guest.h"

namespace vunify {

// Takes those guests out that are to be protected by immutable, and returns why: a process lives in each that may come
// to have CAP_LINUX_IMMUTABLE (sys/capability.h). A guest that is started later is not known.
std::vector<Refusal> leave_out_capable(std::vector<Guest>& guests);

}  // namespace vunify
