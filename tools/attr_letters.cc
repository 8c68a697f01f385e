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

// As setattr and showattr have them.
std::uint32_t attrs_of(std::uint32_t flags) {
  return ((flags & FS_IMMUTABLE_FL) ? attr_immutable : 0) | ((flags & FS_IUNLINK_FL) ? attr_iunlink : 0) |
         ((flags & FS_BARRIER_FL) ? attr_barrier : 0);
}

// A kernel that knows iunlink has it, and cow, of every inode, and the barrier of directories.
std::uint32_t present_in(const Inode& inode, std::uint32_t known) {
  std::uint32_t bits = attr_immutable | attrs_of(known);
  if ((bits & attr_iunlink) != 0) bits |= attr_cow;
  return inode.is_directory() ? bits : bits & ~attr_barrier;
}

bool is_shared(int fd, const Inode& inode, std::uint32_t set) {
  return (set & (attr_immutable | attr_iunlink)) != 0 && is_marked(fd, {fs_id(fd), inode.ino});
}

}  // namespace

Attrs read_attrs(const Found& found) {
  const Fd fd = open_found(found);
  if (!fd) return closed_attrs(found.inode);
  if (!has_inode_flags(fd.get())) return {};
  Attrs attrs{attrs_of(inode_flags(fd.get())), present_in(found.inode, known_cowlink_flags(fd.get()))};
  if (!found.inode.is_regular()) return attrs;
  if ((attrs.set & attr_iunlink) != 0 && (attrs.set & attr_immutable) != 0) attrs.set |= attr_cow;
  // Only root may read trusted attributes.
  if (!is_root()) return attrs;
  attrs.present |= attr_cow;
  if (is_shared(fd.get(), found.inode, attrs.set)) attrs.set |= attr_cow;
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
