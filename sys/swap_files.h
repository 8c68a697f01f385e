// SPDX-License-Identifier: Apache-2.0
// Which files the kernel swaps to now (/proc/swaps, proc(5)).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sys/inode.h"

namespace vunify {

// Those that this process's root reaches: a file that was given to swapon(2) in another mount namespace is not told.
std::vector<Inode> active_swap_files();

// The paths in a table, partitions left out.
std::vector<std::string> parse_swap_files(std::string_view table);

}  // namespace vunify
