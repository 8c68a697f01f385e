// SPDX-License-Identifier: Apache-2.0
// vdu in util-vserver's form: vdu --xid X --space --inodes [--blocksize N] [--script] DIR...
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sys/stop.h"
#include "tools/cli.h"

namespace vunify {

struct TaggedOptions {
  std::string xid;  // a number, a guest's name, ":NAME", "self"; empty: it is not this form
  bool space = false, inodes = false, script = false;
  std::uint64_t block = 1024;  // bytes
};

// Prints "DIR SPACE INODES" for each, of the columns that are asked for, space first; --script leaves DIR out. In the
// caller's tbb::task_arena. Throws Failed{usage} for a name that no guest has; a directory that cannot be read is
// complained of.
Exit tell_tagged(const TaggedOptions& options, const std::vector<std::string>& directories, const std::string& config,
                 const std::string& state_dir, const Stop& stop);

}  // namespace vunify
