// SPDX-License-Identifier: Apache-2.0
#include "host/root_key.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "guest/adopted.h"
#include "sys/handle.h"
#include "sys/inode.h"

namespace vunify {
namespace {

std::string hexadecimal(const std::string& bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::string key_of(int root) {
  const auto inode = stat_fd(root);
  return fmt::format("{}:{}:{}.{:09}:{}", to_string(fs_id(root)), inode.ino, inode.born.sec, inode.born.nsec,
                     hexadecimal(handle_of(root)));
}

}  // namespace

std::optional<std::string> root_key(const std::string& root, const std::vector<Mount>& mounts) {
  try {
    const auto place = find_guest(root, mounts);
    return key_of(open_host(place.root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).get());
  } catch (const std::system_error&) {
    return std::nullopt;
  }
}

}  // namespace vunify
