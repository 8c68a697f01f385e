// SPDX-License-Identifier: Apache-2.0
// What a crash of the kernel left beside a name whose link it was about to break (sys/scratch_name.h), removed. The
// name itself is as it was, and nobody has looked for the copy.
//
// A name cannot be removed for what it leads to: between the look and the call its guest may have made a file of that
// name. So it is moved to staging, under the same leaf, and goes only if it is the kernel's there as well; killed in
// between, the next start finds it so, and does the same (change/leftovers.h).
#pragma once

#include "guest/guest_name.h"

namespace vunify {

bool is_scratch_name(const GuestName& guest_name);

// False where it is the kernel's no more: the next break in that directory removed it, or the guest did. staging: on
// the guest's mount. Throws std::system_error; a file of the guest's is at its name then, or where its guest has given
// that name to another meanwhile (EEXIST), in staging, where it is kept and told.
bool remove_scratch_name(const GuestName& guest_name, int staging);

}  // namespace vunify
