// SPDX-License-Identifier: Apache-2.0
// All processes that /proc shows.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace vunify {

// One after the other, by their numbers in digits. What throws std::system_error of a process has met its end.
void for_each_process(const std::function<void(const std::string& process)>& look);

// "mnt:[4026531840]", "/srv/guest": /proc/PROCESS/LINK, read and not followed.
std::string link_of_process(const std::string& process, const std::string& link);

// What /proc/PROCESS/status has behind a name, "CapBnd:" or "Gid:"; empty where it has no such line.
std::string status_of(const std::string& process, const std::string& name);

// The group with which it makes files, or one of its others. A thread's number will do; false where there is none such.
bool process_is_in_group(int process, gid_t group);

}  // namespace vunify
