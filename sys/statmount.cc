// SPDX-License-Identifier: Apache-2.0
#include "sys/statmount.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <string>

#include "sys/fd.h"

namespace vunify {
namespace {

// Debian 12's headers do not have them yet. include/uapi/linux/stat.h: STATX_MNT_ID_UNIQUE.
constexpr unsigned unique_mount_id = 0x4000;
// include/uapi/asm-generic/unistd.h: __NR_statmount.
constexpr long statmount_call = 457;

// include/uapi/linux/mount.h: STATMOUNT_*.
enum Field : std::uint64_t {
  sb_basic = 0x1,
  mnt_root = 0x8,
  mnt_point = 0x10,
  fs_type = 0x20,
  mnt_opts = 0x80,
  sb_source = 0x200,
};

// The same: struct mnt_id_req, as it was first.
struct Request {
  std::uint32_t size = sizeof(Request);
  std::uint32_t spare = 0;
  std::uint64_t mount = 0;
  std::uint64_t fields = 0;
};

// The same: struct statmount. Texts are told by where they begin in what follows the structure.
struct Answer {
  std::uint32_t size, options;
  std::uint64_t fields;
  std::uint32_t dev_major, dev_minor;
  std::uint64_t magic;
  std::uint32_t sb_flags, type;
  std::uint64_t mount, parent;
  std::uint32_t old_mount, old_parent;
  std::uint64_t attr, propagation, peer_group, master, propagate_from;
  std::uint32_t root, point;
  std::uint64_t ns;
  std::uint32_t subtype, source;
  std::uint64_t spare[48];
  char text[16 << 10];  // two paths of PATH_MAX, and a page of options
};
static_assert(offsetof(Answer, text) == 512);

std::optional<std::uint64_t> unique_id(int fd) {
  struct statx st {};
  check(::statx(fd, "", AT_EMPTY_PATH, unique_mount_id, &st), "statx");
  if ((st.stx_mask & unique_mount_id) == 0) return std::nullopt;
  return st.stx_mnt_id;
}

std::string text_of(const Answer& answer, Field field, std::uint32_t at) {
  return (answer.fields & field) != 0 ? answer.text + at : std::string();
}

}  // namespace

std::optional<Mount> statmount(int fd) {
  const auto id = unique_id(fd);
  if (!id) return std::nullopt;
  constexpr std::uint64_t needed = sb_basic | mnt_root | fs_type;
  const Request request{.mount = *id, .fields = needed | mnt_point | mnt_opts | sb_source};
  Answer answer{};
  if (::syscall(statmount_call, &request, &answer, sizeof answer, 0) != 0) return std::nullopt;
  if ((answer.fields & needed) != needed) return std::nullopt;
  Mount mount;
  mount.id = mount_id(fd);
  mount.dev = makedev(answer.dev_major, answer.dev_minor);
  mount.root = text_of(answer, mnt_root, answer.root);
  mount.point = text_of(answer, mnt_point, answer.point);
  mount.type = text_of(answer, fs_type, answer.type);
  mount.source = text_of(answer, sb_source, answer.source);
  mount.super_options = text_of(answer, mnt_opts, answer.options);
  return mount;
}

}  // namespace vunify
