// SPDX-License-Identifier: Apache-2.0
// Whether a file is shared, as its inode itself says it; and files that are, as a run leaves them.
#pragma once

#include <string>

#include "sys/inode.h"

namespace vunify::test {

// A mark of ours, be it valid or void. Symlinks are not followed.
bool has_mark(const std::string& path);

// Validly marked, and immutable or guarded; an inode that is only one of both fails the test.
bool is_shared(const std::string& path);

// Marks and protects it.
FileId share(const std::string& path);

}  // namespace vunify::test
