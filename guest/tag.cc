// SPDX-License-Identifier: Apache-2.0
#include "guest/tag.h"

#include "sys/inode_attr.h"

namespace vunify {

namespace {

std::optional<std::uint32_t> inherited_project_of_directory(const GuestName& name) {
  try {
    return inherited_project(name.root->open_directory(split_path(name.path).parent).get());
  } catch (const std::system_error&) {
    return std::nullopt;
  }
}

}  // namespace

std::uint32_t tag_of(int root) { return project_id(root); }

std::uint32_t tag_of(const GuestName& name) {
  return inherited_project_of_directory(name).value_or(tag_of(name.root->fd()));
}

bool may_be_nobodys(int fd, const GuestName& name) {
  const auto project = project_id(fd);
  const bool is_its_guests = project == 0 || project == tag_of(name.root->fd());
  return is_its_guests && inherited_project_of_directory(name).value_or(0) == 0;
}

}  // namespace vunify
