// SPDX-License-Identifier: Apache-2.0
// All processes that /proc shows.
#pragma once

#include <functional>
#include <string>

namespace vunify {

// One after the other, by their numbers in digits. What throws std::system_error of a process has met its end.
void for_each_process(const std::function<void(const std::string& process)>& look);

// "mnt:[4026531840]", "/srv/guest": /proc/PROCESS/LINK, read and not followed.
std::string link_of_process(const std::string& process, const std::string& link);

}  // namespace vunify
