// SPDX-License-Identifier: Apache-2.0
// A guest is adopted, and released: its tree changes places with an empty directory, in one step (RENAME_EXCHANGE).
// Killed before that step or after it, either call finishes what was begun.
#pragma once

#include <optional>
#include <string>

#include "guest/guest.h"

namespace vunify {

// For a stopped guest. Refused, and nothing has changed, where a process lives or works in it, where it is a mount
// point or holds one, lies in another guest or holds others, or where somebody but root could move it. On return it is
// on disk. Throws std::system_error where a directory will not do; then, too, nothing has changed. One that is adopted
// already is given back its mount point, if that is missing; refused where it is named by where its tree lies.
std::optional<Refusal> adopt(const std::string& named);

// Refused where a guest lies above path or beneath it, as far as the host can tell by the processes of now and by what
// lies there. path: absolute, symlinks resolved; nothing need be there.
std::optional<Refusal> expect_no_other_guest(const std::string& path);

// Undoes it. Refused, besides, where a vcow shows it, vunify is at work in it, or a file in it is shared (marked).
std::optional<Refusal> release(const std::string& named);

// Of an adopted guest whose tree is gone (vunify --delete): its mount point, and the directory it was kept in where no
// other is.
void remove_mount_point(const std::string& path);

}  // namespace vunify
