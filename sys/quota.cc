// SPDX-License-Identifier: Apache-2.0
#include "sys/quota.h"

#include <sys/quota.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/fd.h"

namespace vunify {
namespace {

constexpr int project_type = 2;  // PRJQUOTA, linux/quota.h

int quotactl_at(int fd, int command, std::uint32_t project, dqblk& block) {
  return static_cast<int>(::syscall(SYS_quotactl_fd, fd, QCMD(command, project_type), project, &block));
}

}  // namespace

// XFS knows nothing of a project that never had an inode.
ProjectQuota project_quota(int fd, std::uint32_t project) {
  dqblk block{};
  if (quotactl_at(fd, Q_GETQUOTA, project, block) < 0) {
    if (errno == ENOENT) return {};
    throw_errno("quotactl_fd");
  }
  return {{block.dqb_bhardlimit, block.dqb_ihardlimit}, block.dqb_curspace, block.dqb_curinodes};
}

void set_project_limit(int fd, std::uint32_t project, const ProjectLimit& limit) {
  dqblk block{};
  block.dqb_bhardlimit = limit.kib;
  block.dqb_ihardlimit = limit.inodes;
  block.dqb_valid = QIF_LIMITS;
  check(quotactl_at(fd, Q_SETQUOTA, project, block), "quotactl_fd");
}

}  // namespace vunify
