// SPDX-License-Identifier: Apache-2.0
#include "sys/removed_space.h"

#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "sys/inode.h"
#include "sys/inode_attr.h"

namespace vunify {
namespace {

constexpr std::uint64_t block = 4096;
constexpr auto xfs_magic = 0x58465342;  // include/uapi/linux/magic.h, XFS_SUPER_MAGIC

// fs/xfs/libxfs/xfs_fs.h: struct xfs_fs_eofblocks, XFS_IOC_FREE_EOFBLOCKS. It ends by waiting for removed inodes.
struct FreeEofBlocks {
  std::uint32_t version = 1;
  std::uint32_t flags = 1 << 4;  // XFS_EOF_FLAGS_MINFILESIZE
  std::uint32_t uid = 0, gid = 0, project = 0, padding = 0;
  std::uint64_t least_size = std::numeric_limits<std::uint64_t>::max();  // no file is as large: none is trimmed
  std::uint64_t reserved[12] = {};
};
constexpr unsigned long free_eof_blocks = _IOR('X', 58, FreeEofBlocks);

bool is_on_xfs(int fd) {
  struct statfs fs {};
  return ::fstatfs(fd, &fs) == 0 && fs.f_type == xfs_magic;
}

}  // namespace

void wait_for_removals(int fd) {
  const FreeEofBlocks none;
  if (is_on_xfs(fd)) ::ioctl(fd, free_eof_blocks, &none);
}

void drop_allocated_ahead(int fd) {
  if (!is_on_xfs(fd)) return;
  const auto inode = stat_fd(fd);
  const auto needed = (inode.stamp.size + block - 1) / block * block;
  if (inode.bytes_on_disk() <= needed || (inode_attributes(fd).fsx_xflags & FS_XFLAG_PREALLOC) != 0) return;
  // To the size that it has: what lies behind is cut off.
  static_cast<void>(::ftruncate(fd, static_cast<off_t>(inode.stamp.size)));
}

std::uint64_t allocation_unit(int fd) {
  fsxattr has{};
  if (::ioctl(fd, FS_IOC_FSGETXATTR, &has) != 0) return block;
  const std::uint64_t own = (has.fsx_xflags & FS_XFLAG_EXTSIZE) != 0 ? has.fsx_extsize : 0;
  const std::uint64_t copied = (has.fsx_xflags & FS_XFLAG_COWEXTSIZE) != 0 ? has.fsx_cowextsize : 0;
  return std::max({block, own, copied});
}

}  // namespace vunify
