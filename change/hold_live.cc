// SPDX-License-Identifier: Apache-2.0
#include "change/hold_live.h"

namespace vunify {

Hold hold_live(const GuestName& guest_name, const Name& name, std::uint64_t ino) {
  if (guest_name.live == nullptr) return Hold::of_nobody();
  const auto directory = stat_fd(name.dir.get());
  return guest_name.live->hold({directory.dev, directory.ino, ino, name.leaf});
}

Hold hold_as_it_is(const LiveGuest& live, const std::string& root, const std::string& path) {
  try {
    const auto name = open_name(RootDir(root), path);
    const auto there = stat_name(name.dir.get(), name.leaf.c_str());
    return there ? hold_live({nullptr, path, &live}, name, there->ino) : Hold::of_nobody();
  } catch (const std::system_error& error) {
    if (is_error(error, ENOENT) || is_error(error, ENOTDIR) || is_error(error, ELOOP)) return Hold::of_nobody();
    throw;
  }
}

}  // namespace vunify
