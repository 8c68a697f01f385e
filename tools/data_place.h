// SPDX-License-Identifier: Apache-2.0
// Where a file's data lies: files that share it by reflink are several inodes, and take what one of them takes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sys/root_dir.h"

namespace vunify {

// Where on disk it begins, in bytes. None of its bytes are read. Nothing for what cannot be opened, and where it has no
// place of its own: empty, inline, not written yet, or the filesystem does not tell.
std::optional<std::uint64_t> data_place(const RootDir& root, const std::string& path);

}  // namespace vunify
