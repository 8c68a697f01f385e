// SPDX-License-Identifier: Apache-2.0
// The name under which a kernel with kernel-cow links a copy, before it renames it over the name that the copy is for
// (kernel-cow/cowlink.h). Nobody sees it in between, but a crash leaves it behind.
#pragma once

#include <string_view>

namespace vunify {

bool is_scratch_leaf(std::string_view leaf);

// A regular file of such a name, and of no other, that is iunlink without being immutable: no guest can set that. leaf:
// one component, a NUL behind it. False for all other files, those of a guest that have the name among them, and where
// the kernel does not know the flag.
bool is_left_by_kernel(int dir, std::string_view leaf);

}  // namespace vunify
