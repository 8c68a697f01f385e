// SPDX-License-Identifier: Apache-2.0
// One mount asked for by its number (statmount(2), Linux 6.8), also one that lies outside this process's root, where
// /proc/self/mountinfo does not show it: after chroot(2) that is the mount of "/", unless its root is a mount point.
#pragma once

#include <optional>

#include "sys/mount.h"

namespace vunify {

// The mount that fd lies on. Its point is empty where the root does not reach it; its options are where there are none,
// and before Linux 6.11, its source is before 6.14. Nothing where the kernel tells no mount: before 6.8, without
// CAP_SYS_ADMIN, and for one that is in no mount table.
std::optional<Mount> statmount(int fd);

}  // namespace vunify
