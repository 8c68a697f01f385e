// SPDX-License-Identifier: Apache-2.0
// The supervisor of one mount at work: from its first worker, whichever program that is of, until nothing is mounted.
#pragma once

#include <functional>

#include "fuse/serving.h"
#include "fuse/supervisor.h"

namespace vunify {

// What stays open for as long as something is mounted: of all else a worker's successor does not know whose it is.
std::unordered_set<int> kept_open(const Service& service);

// ready() is called once the first worker of the mount serves, and the islands are in their places. Throws as
// supervise.
MountEnd keep_serving(Service service, const Mounted& told, Islands& islands, const std::function<void()>& ready);

}  // namespace vunify
