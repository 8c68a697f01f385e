// SPDX-License-Identifier: Apache-2.0
#include "sys/mark.h"

#include <cassert>

#include "kernel-cow/cowlink.h"
#include "sys/xattr.h"

namespace vunify {
namespace {

constexpr std::size_t mark_bytes = 12;

// 32 bits of the filesystem's identity.
std::uint32_t short_id(const FsId& fs) {
  std::uint64_t value = fs.uuid_high ^ fs.uuid_low ^ fs.subvolume * 0x9E3779B97F4A7C15;  // 2^64 / golden ratio
  return static_cast<std::uint32_t>(value ^ value >> 32);
}

std::string mark_of(const FileId& id) {
  std::string value;
  for (int i = 0; i < 8; ++i) value += static_cast<char>(id.ino >> 8 * i);
  for (int i = 0; i < 4; ++i) value += static_cast<char>(short_id(id.fs) >> 8 * i);
  assert(value.size() == mark_bytes);
  return value;
}

Mark judge(const std::optional<std::string>& value, const FileId& id) {
  if (value == mark_of(id)) return Mark::valid;
  return value && value->size() == mark_bytes ? Mark::stale : Mark::none;
}

}  // namespace

Mark mark_on(int fd, const FileId& id) { return judge(get_xattr(fd, VUNIFY_MARK_XATTR), id); }

Mark mark_at(int dir, const std::string& leaf, const FileId& id) {
  return judge(get_xattr_at(dir, leaf, VUNIFY_MARK_XATTR), id);
}

bool has_mark(int fd) { return mark_on(fd, {}) != Mark::none; }

bool is_mark(std::string_view attribute) { return attribute == VUNIFY_MARK_XATTR; }

void set_mark(int fd, const FileId& id) { set_xattr(fd, VUNIFY_MARK_XATTR, mark_of(id)); }

void clear_mark(int fd) { remove_xattr(fd, VUNIFY_MARK_XATTR); }

}  // namespace vunify
