// SPDX-License-Identifier: Apache-2.0
#include "tools/found_tag.h"

#include "sys/held_attr.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"

namespace vunify {

bool is_shared(const Found& found) { return found.inode.is_regular() && mark_at(found.fd, "", {}) != Mark::none; }

std::uint32_t tag_of(const Found& found) {
  if (const auto attr = held_attr(found.fd)) return attr->project;
  const Fd fd = open_found(found);
  return fd ? project_id(fd.get()) : 0;
}

bool set_tag(const Found& found, std::uint32_t xid) {
  const Fd fd = open_found(found);
  if (!fd) return set_held_project(found.fd, xid);
  if (found.inode.is_directory()) end_project_inheritance(fd.get());
  set_project_id(fd.get(), xid);
  return true;
}

}  // namespace vunify
