// SPDX-License-Identifier: Apache-2.0
// The mtime of a guest's directory, kept through a crash. exchange() (sys/link) moves it and gives it back in a second
// call; a run that is killed between the two has it in its journal.
#pragma once

#include <string_view>

#include "change/journal.h"
#include "sys/inode.h"
#include "sys/root_dir.h"

namespace vunify {

// Of the directory that path is in; {} where it cannot be opened now.
Timestamp directory_time(const RootDir& root, std::string_view path);

// Gives it back where the directory's last change is the exchange of this name. That was when the staging directory was
// last changed, if it was the last thing the run did; and, but for XFS, when the staged inode's ctime is.
void restore_directory_time(const JournaledName& name, Timestamp staging_mtime, Timestamp staged_ctime);

}  // namespace vunify
