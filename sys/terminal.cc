// SPDX-License-Identifier: Apache-2.0
#include "sys/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

namespace vunify {

std::optional<std::size_t> terminal_columns(int fd) {
  if (::isatty(fd) != 1) return std::nullopt;
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : 80;
}

}  // namespace vunify
