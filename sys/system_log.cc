// SPDX-License-Identifier: Apache-2.0
#include "sys/system_log.h"

#include <sys/socket.h>
#include <sys/syslog.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace vunify {

Fd open_system_log() { return Fd(check(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket")); }

bool log_warning(int socket, const std::string& program, std::string_view message, const char* to) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  std::strncpy(address.sun_path, to, sizeof address.sun_path - 1);
  const auto line = "<" + std::to_string(LOG_DAEMON | LOG_WARNING) + ">" + program + "[" + std::to_string(::getpid()) +
                    "]: " + std::string(message);
  return ::sendto(socket, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                  static_cast<const sockaddr*>(static_cast<const void*>(&address)), sizeof address) >= 0;
}

}  // namespace vunify
