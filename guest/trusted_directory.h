// SPDX-License-Identifier: Apache-2.0
// Directories of the host that nobody but root can change, from "/" on: what lies in them is where we left it.
#pragma once

#include <string>

#include "sys/fd.h"

namespace vunify {

// Opens a directory of the host by its name in each directory from "/" on, and looks at whose each of them is: what
// was looked at is what is gone into. Throws EPERM, naming the one, where it is not root's, or others may write to it
// and it is not sticky (in one like /var/tmp nobody else can move what is root's).
Fd open_trusted(const std::string& path);

// Opens leaf in such a directory, and takes everybody else's ways in (sys/directory.h, make_private). Somebody else may
// have put there what has the name, where the directory above is sticky: throws EPERM where it is not root's, EXDEV
// where it is a mount point. Errors speak of path.
Fd open_private(int parent, const std::string& leaf, const std::string& path);

// Throws a system_error of this number that says what is wrong with path.
[[noreturn]] void throw_of(int number, const std::string& path, const std::string& why);

}  // namespace vunify
