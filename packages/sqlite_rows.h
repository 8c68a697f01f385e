// SPDX-License-Identifier: Apache-2.0
// The blobs of one table of an SQLite database that may have been made to harm: its schema may hold views that never
// end, its pages may lie. Only for a child process with limits of memory and time (sys/child).
#pragma once

#include <functional>
#include <string_view>

namespace vunify {

// The file is a copy that nobody else writes (packages/sqlite_copy). Throws std::runtime_error where there is no such
// table or it cannot be read; table and column are ours, not the guest's.
void read_blobs(int fd, const char* table, const char* column, const std::function<void(std::string_view)>& visit);

}  // namespace vunify
