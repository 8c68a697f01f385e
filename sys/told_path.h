// SPDX-License-Identifier: Apache-2.0
// A path of the host that somebody else has told, maybe for that: where it leads, a server may never answer, and a look
// alone may have something mounted (autofs).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sys/fd.h"
#include "sys/mount.h"

namespace vunify {

// True where one of the mounts on the way is of a filesystem that is served by a program or another host, or waits for
// one. Symlinks are not followed.
bool may_never_answer(const std::vector<Mount>& mounts, const std::string& path);

// The directory (O_PATH). Nothing where none is there, or where that cannot be told without asking such a one. Before
// Linux 5.12, paths with symlinks are not followed.
std::optional<Fd> hold_told_directory(const std::string& path, const std::vector<Mount>& mounts);

}  // namespace vunify
