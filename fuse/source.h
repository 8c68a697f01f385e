// SPDX-License-Identifier: Apache-2.0
// The guest's tree as it is served: through two mounts of our own (sys/fuse_device, clone_mount), made before anything
// is mounted over it. What the host mounts in the tree is no part of it, devices in it are not woken, and the second,
// which is read-only, is what the kernel reads shared files through.
#pragma once

#include <memory>
#include <string>

#include "fuse/break_staging.h"
#include "guest/guest.h"
#include "sys/fd.h"

namespace vunify {

struct Source {
  Fd root;             // O_PATH
  Fd read_only;        // a directory on the read-only mount
  std::string hidden;  // what no guest sees in its root; empty where there is nothing
  std::unique_ptr<BreakStaging> staging;
  std::uint32_t tag = 0;  // of what is the guest's own (guest/tag.h)
};

// flags: mount(2)'s; of them those that tell when reading moves an atime hold beneath, where it is moved. Throws
// std::system_error, naming what will not do, as Staging does.
Source open_source(const Guest& guest, unsigned long flags);

// The same tree, as another program has it open: its descriptors are taken over. parent: of staging.
Source source_of(const Guest& guest, Fd root, Fd read_only, Fd parent);

}  // namespace vunify
