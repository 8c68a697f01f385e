// SPDX-License-Identifier: Apache-2.0
// A private copy of an SQLite database that others may be writing: the file, and over it what its write-ahead log
// (FILE-wal) has committed. Nothing is made beside the original, which SQLite itself would do; the format is that of
// sqlite.org/fileformat2.html.
#pragma once

#include <string>

#include "sys/root_dir.h"

namespace vunify {

constexpr std::uint64_t most_sqlite_bytes = 1 << 30;

// A file without a name in the host directory, open for reading and writing, gone when closed. It names no log any
// more. Throws std::runtime_error where the original is not to be copied: too large, no database, being written each
// time we try, or in the middle of a change that only SQLite can undo.
Fd copy_sqlite(const RootDir& dir, const std::string& leaf, const std::string& host_directory);

}  // namespace vunify
