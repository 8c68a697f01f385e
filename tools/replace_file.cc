// SPDX-License-Identifier: Apache-2.0
#include "tools/replace_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "sys/fd.h"

namespace vunify {

void replace_file(const std::string& path, std::string_view text, unsigned mode) {
  const auto successor = path + "." + std::to_string(::getpid());
  bool is_ours = false;
  try {
    const Fd file = open_host(successor, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    is_ours = true;
    write_all(file.get(), text, successor);
    sync_data(file.get(), successor);
    std::filesystem::rename(successor, path);
  } catch (const std::system_error& error) {
    if (is_ours) std::filesystem::remove(successor);
    throw std::system_error(error.code(), path);
  }
}

}  // namespace vunify
