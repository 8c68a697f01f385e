// SPDX-License-Identifier: Apache-2.0
// Lines for the system's log, in syslog(3)'s words (RFC 3164), by a socket that has one number from its beginning to
// its end. syslog(3) closes its own when the log's daemon is away, and takes another: where a table of open files is
// another process's, too, a line could then be written to whatever came to have that number.
#pragma once

#include <string>
#include <string_view>

#include "sys/fd.h"

namespace vunify {

inline constexpr auto system_log = "/dev/log";

Fd open_system_log();

// A warning of a daemon's. False where nobody takes it just now; waits for nobody. Any thread.
bool log_warning(int socket, const std::string& program, std::string_view message, const char* to = system_log);

}  // namespace vunify
