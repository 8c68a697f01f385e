// SPDX-License-Identifier: Apache-2.0
#include "sys/readable.h"

#include <poll.h>

#include <cerrno>

#include "sys/fd.h"

namespace vunify {

std::vector<bool> wait_readable(const std::vector<int>& files, std::chrono::milliseconds at_most) {
  std::vector<pollfd> all;
  for (const int file : files) all.push_back({file, POLLIN, 0});
  const bool is_any = ::poll(all.data(), all.size(), static_cast<int>(at_most.count())) > 0;
  std::vector<bool> readable;
  for (const auto& one : all) readable.push_back(is_any && one.revents != 0);
  return readable;
}

std::optional<std::size_t> read_now(int file, std::span<char> buffer, std::string_view path) {
  try {
    return read_some(file, buffer, path);
  } catch (const std::system_error& error) {
    if (is_error(error, EAGAIN)) return std::nullopt;
    throw;
  }
}

}  // namespace vunify
