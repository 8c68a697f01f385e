// SPDX-License-Identifier: Apache-2.0
// What a run asks of the kernel for itself.
#pragma once

#include <cstddef>

namespace vunify {

// Disk time only when nobody else wants any (ioprio_set(2), idle class). Threads made later inherit it.
void use_idle_io();

// Raises the soft limit of open files to the hard one, at most a million; returns it.
std::size_t raise_open_files_limit();

bool is_root();

}  // namespace vunify
