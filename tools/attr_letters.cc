// SPDX-License-Identifier: Apache-2.0
#include "tools/attr_letters.h"

#include <cctype>

#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "sys/process.h"

namespace vunify {
namespace {

// Devices, pipes and sockets are not opened: statx tells the one flag that matters, when it is set.
Attrs closed_attrs(const Inode& inode) {
  const std::uint32_t bits = inode.immutable ? attr_immutable : 0;
  return {bits, bits};
}

bool is_shared(int fd, const Inode& inode, std::uint32_t flags) {
  return (flags & (FS_IMMUTABLE_FL | FS_IUNLINK_FL)) != 0 && is_marked(fd, {fs_id(fd), inode.ino});
}

}  // namespace

Attrs read_attrs(const Found& found) {
  const Fd fd = open_found(found);
  if (!fd) return closed_attrs(found.inode);
  if (!has_inode_flags(fd.get())) return {};
  const std::uint32_t flags = inode_flags(fd.get());
  Attrs attrs{0, attr_immutable};
  // Whether a kernel knows iunlink is found out by setting it only; reading shows it where it is set.
  if (flags & FS_IUNLINK_FL) attrs = {attr_iunlink, attrs.present | attr_iunlink};
  if (flags & FS_IMMUTABLE_FL) attrs.set |= attr_immutable;
  // Only root may read trusted attributes.
  if (!found.inode.is_regular() || !is_root()) return attrs;
  attrs.present |= attr_cow;
  if (is_shared(fd.get(), found.inode, flags)) attrs.set |= attr_cow;
  return attrs;
}

std::string attr_letters(const Attrs& attrs) {
  std::string text;
  for (const auto& name : attr_names) {
    if (name.letter == 0) continue;
    const auto upper = static_cast<char>(std::toupper(name.letter));
    text += (attrs.set & name.bits) ? upper : (attrs.present & name.bits) ? name.letter : '-';
  }
  return text;
}

}  // namespace vunify
