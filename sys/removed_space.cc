// SPDX-License-Identifier: Apache-2.0
#include "sys/removed_space.h"

#include <sys/ioctl.h>
#include <sys/vfs.h>

#include <cstdint>
#include <limits>

namespace vunify {
namespace {

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

}  // namespace

void wait_for_removals(int fd) {
  struct statfs fs {};
  const FreeEofBlocks none;
  if (::fstatfs(fd, &fs) == 0 && fs.f_type == xfs_magic) ::ioctl(fd, free_eof_blocks, &none);
}

}  // namespace vunify
