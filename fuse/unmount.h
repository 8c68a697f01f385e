// SPDX-License-Identifier: Apache-2.0
// How a mount of vcow is taken away: its islands first, for a mount that others are on is busy; and these never while
// somebody uses them. Who stayed behind in one, natively, would write to what vunify links there once vcow has gone.
#pragma once

#include <string>
#include <vector>

#include "sys/mount.h"

namespace vunify {

// Whether what is mounted there last is one. Told by the table alone.
bool is_vcow(const std::string& point);

// What is mounted on the vcow mount at a point, and is a directory of its guest itself. Told by the table alone.
std::vector<Mount> find_islands(const std::string& point, const std::vector<Mount>& mounts);

// All or, throwing EBUSY that names the one in use, none; but in a race with who comes to one just then, or who is in
// one in another mount namespace: those that were taken before it are gone.
void take_islands(const std::string& point);

// Takes it away, as umount(8) does: on an error, EBUSY mostly, all is mounted as before. flags: MNT_FORCE, MNT_DETACH.
void unmount_guest(const std::string& point, int flags);

}  // namespace vunify
