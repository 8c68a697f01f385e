// SPDX-License-Identifier: Apache-2.0
// A name in a guest's tree, told by path: it is opened beneath the guest's root each time it is used.
#pragma once

#include <string>

#include "sys/root_dir.h"

namespace vunify {

class LiveGuest;

struct GuestName {
  const RootDir* root = nullptr;    // outlives it
  std::string path{};               // from there; empty: none is known
  const LiveGuest* live = nullptr;  // outlives it; the vcow that shows the guest now, where one does
};

}  // namespace vunify
