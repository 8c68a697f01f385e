// SPDX-License-Identifier: Apache-2.0
// What vcows that were killed left in their directory (guest/mounted). A record says what a dead one had done as long
// as its guest is there, or the dead mount; then it goes, and so does what was not a record yet.
//
// Another vcow may put its own in the same place meanwhile: who removes a file, or puts one over it, has it locked, and
// looks whether its name leads to it still.
#pragma once

#include <optional>
#include <string>

#include "sys/fd.h"

namespace vunify {

// The file, locked until it is closed. flags: open(2)'s. Nothing where there is none, or a living one has it.
std::optional<Fd> take_record(const std::string& path, int flags);

// What cannot be looked at stays. dir: as MountRecord's.
void sweep_dead_records(const std::string& dir) noexcept;

}  // namespace vunify
